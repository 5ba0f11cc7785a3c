//! The board: every clock that may still run out, most at risk first.

use actix_web::web::Data;
use askama::Template;

use super::clock::{ClockCard, rank};
use super::page;
use crate::consequence::{Judged, JudgedCase};
use crate::domain::ClockId;
use crate::domain::clock::Clock;
use crate::domain::words::ClockState;
use crate::error::Result;
use crate::store::clock::Tally;
use crate::store::{Conn, clock, contract};
use crate::time::{HOUR, Moment};
use crate::web::access::{Access, Caller};
use crate::web::api::clock::judged_of;
use crate::web::error::Answer;
use crate::web::frame::Frame;
use crate::web::shown::Reader;
use crate::web::state::{State, block};

/// Clocks on the board; those due later than all of them wait until there is room.
const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "clock/board.html")]
struct BoardPage {
    frame: Frame,
    tally: Tally,
    lanes: Vec<Lane>,
    /// How many clocks did not fit.
    more: i64,
    has_contract: bool,
    may_raise: bool,
    may_enter: bool,
}

/// Clocks that stand alike.
struct Lane {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    lines: Vec<Line>,
}

struct Line {
    card: ClockCard,
    /// Where it stands in its lane.
    order: Option<Moment>,
    reference: String,
    title: String,
    vendor: String,
    severity: String,
    rank: usize,
    drill: bool,
}

impl Line {
    fn new(id: ClockId, judged: &Judged, case: &JudgedCase, clock: &Clock, reader: Reader) -> Self {
        let lap = clock.current();
        Self {
            card: ClockCard::new(judged, case, clock, &[], reader).of(id),
            order: lap.due_at,
            reference: judged.incident.id.reference(),
            title: judged.incident.title.clone(),
            vendor: case.vendor.name.clone(),
            severity: lap.commitment.severity.clone(),
            rank: rank(&case.terms.promise, &lap.commitment.severity),
            drill: judged.incident.drill,
        }
    }
}

/// Shows the board.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let store = state.store.clone();
    let zone = caller.time_zone.0;
    let (tally, lanes, shown, has_contract) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let tally = clock::tally(conn, now, now + HOUR)?;
            let lines = lines(conn, Reader { zone, now })?;
            let has_contract = !contract::page(conn, None, None, 1)?.is_empty();
            let shown = lines.len();
            Ok((tally, lanes(lines, now), shown, has_contract))
        })
    })
    .await?;
    let all = tally.past_due + tally.soon + tally.later + tally.held;
    page(&BoardPage {
        frame,
        more: (all - i64::try_from(shown).unwrap_or(all)).max(0),
        tally,
        lanes,
        has_contract,
        may_raise: caller.may(Access::Record),
        may_enter: caller.may(Access::Enter),
    })
}

fn lines(conn: &mut Conn, reader: Reader) -> Result<Vec<Line>> {
    let open = [ClockState::Running, ClockState::Paused];
    let rows = clock::list(conn, &open, None, MOST)?;
    let judged = judged_of(conn, &rows, reader.now)?;
    let mut lines = Vec::new();
    for row in rows {
        let of = judged
            .iter()
            .find(|judged| judged.incident.id == row.incident_id);
        let Some(judged) = of else { continue };
        // A calendar edit may have ended it since the row was kept.
        if let Some((case, clock)) = judged.clock(row.case_id, row.metric)
            && clock.state.is_open()
        {
            lines.push(Line::new(row.id, judged, case, clock, reader));
        }
    }
    Ok(lines)
}

fn lanes(lines: Vec<Line>, now: Moment) -> Vec<Lane> {
    let lane = |id, title, hint| Lane {
        id,
        title,
        hint,
        lines: Vec::new(),
    };
    let mut lanes = [
        lane("late", "Past due", "longest first"),
        lane("soon", "Within the hour", ""),
        lane("later", "Later", ""),
        lane("held", "Standing still", "nothing falls due meanwhile"),
    ];
    for line in lines {
        let place = match line.order {
            Some(due) if due < now => 0,
            Some(due) if due - now <= HOUR => 1,
            Some(_) => 2,
            None => 3,
        };
        lanes[place].lines.push(line);
    }
    for lane in &mut lanes {
        lane.lines.sort_by_key(|line| line.order);
    }
    lanes
        .into_iter()
        .filter(|lane| !lane.lines.is_empty())
        .collect()
}
