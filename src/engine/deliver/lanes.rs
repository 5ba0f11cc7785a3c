//! Which letter goes next: a lane for each domain, so that one which is slow, dead or has got enough for
//! a minute holds up no other.
//!
//! Nothing here waits or asks for the time. A letter that finds no place is put off to a moment at which
//! it may find one; that is no attempt.

use std::collections::{HashMap, VecDeque};

use crate::domain::LetterId;
use crate::domain::outbox::Due;
use crate::domain::webhook::WebhookName;
use crate::mail::outlet::Limits;
use crate::time::{MILLISECOND, MINUTE, Micros, Moment, SECOND};

/// Letters that are sent side by side, over so many connections.
const CONNECTIONS: usize = 32;

/// Letters of one domain that go one after the other over a connection before it is looked at anew who is
/// next.
const RUN: usize = 32;

/// Letters of one domain that are held at once, on their way or waiting for a connection.
const ROOM: usize = 64;

/// Letters to webhooks that are sent side by side, over all of them: slow ones leave connections to mail.
const HOOKS_SENT: usize = 12;
/// Letters to webhooks that are held at once.
const HOOKS_HELD: usize = 96;
/// Letters of one webhook that are held at once.
const HOOK_ROOM: usize = 8;
/// A webhook gets one letter at a time: a chat shows them in the order in which they arrive.
const HOOK_LIMITS: Limits = Limits {
    connections: 1,
    per_minute: 0,
};

/// A lane that is empty again within that time lets its letters wait where they are, before those of
/// others: ten thousand of them keep no other waiting for longer than eight seconds.
const SOON: Micros = 50 * MILLISECOND;

/// At least that lies between letters that are put off because nobody would talk.
const APART: Micros = 20 * MILLISECOND;

/// The longest that a letter is put off, so that the return of a domain is soon noticed.
const LONGEST: Micros = 5 * MINUTE;

/// The lanes, with what waits in them.
pub(super) struct Lanes<T> {
    limits: Limits,
    lanes: HashMap<String, Lane<T>>,
    waiting: usize,
    sending: usize,
    /// Connections in use.
    connected: usize,
    /// Counts what came, so that the first that came goes first.
    came: u64,
}

struct Lane<T> {
    limits: Limits,
    /// It leads to a webhook.
    is_hook: bool,
    waiting: VecDeque<(u64, T)>,
    sending: usize,
    /// Connections in use.
    connected: usize,
    /// Nobody would talk the last time: one letter at a time finds out when that changes.
    is_troubled: bool,
    /// How long a letter takes, the later ones counting more.
    pace: Micros,
    /// When letters were taken within the last minute.
    taken: VecDeque<Moment>,
    /// Up to where places are given to letters that were put off.
    planned: Moment,
}

/// Letters that were taken out together, and are through.
pub(super) struct Run<T> {
    /// How many were begun.
    pub sent: usize,
    /// The others.
    pub left: Vec<T>,
    /// From the first to the last that was begun.
    pub took: Micros,
    /// In the end nobody would talk.
    pub is_trouble: bool,
}

/// What is to be done with letters that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// To be leased, in order.
    pub take: Vec<LetterId>,
    /// Not to be looked at before these moments.
    pub put_off: Vec<(LetterId, Moment)>,
    /// Some are left where they are: there is a place for them as soon as another letter is through.
    pub is_full: bool,
}

impl<T> Lanes<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            waiting: 0,
            sending: 0,
            connected: 0,
            came: 0,
        }
    }

    /// Letters in all lanes.
    pub(super) fn held(&self) -> usize {
        self.waiting + self.sending
    }

    /// Chooses at most `most` of the letters that are due, which come in the order of their moments.
    pub(super) fn choose(&mut self, due: &[Due], now: Moment, most: usize) -> Choice {
        self.forget(now);
        let limits = self.limits;
        let mut hooks = self.of_hooks(|lane| lane.waiting.len() + lane.sending);
        let mut choice = Choice::default();
        let mut chosen: HashMap<&str, usize> = HashMap::new();
        for letter in due {
            let domain = letter.domain();
            let lane = lane(&mut self.lanes, domain, limits);
            let here = chosen.entry(domain).or_default();
            let held = lane.waiting.len() + lane.sending + *here;
            if let Some(next) = lane.next_place(now) {
                choice.put_off.push((letter.id, lane.put_off(next)));
            } else if lane.is_hook && hooks >= HOOKS_HELD {
                choice.put_off.push((letter.id, lane.put_off(now + SECOND)));
            } else if choice.take.len() >= most {
                choice.is_full = true;
                break;
            } else if held < lane.room() {
                *here += 1;
                hooks += usize::from(lane.is_hook);
                if lane.limits.per_minute > 0 {
                    lane.taken.push_back(now);
                }
                choice.take.push(letter.id);
            } else {
                let empty = lane.empty_in(held);
                if empty <= SOON && !lane.is_troubled {
                    choice.is_full = true;
                } else {
                    let at = lane.put_off(now + empty.min(LONGEST));
                    choice.put_off.push((letter.id, at));
                }
            }
        }
        choice
    }

    /// Puts a leased letter into its lane.
    pub(super) fn push(&mut self, domain: &str, letter: T) {
        self.came += 1;
        let lane = lane(&mut self.lanes, domain, self.limits);
        lane.waiting.push_back((self.came, letter));
        self.waiting += 1;
    }

    /// Takes out the letters that are to be sent next, one after the other over one connection, if there
    /// is one; no more than would wait behind each other on any connection.
    pub(super) fn begin(&mut self) -> Vec<T> {
        let free = CONNECTIONS.saturating_sub(self.connected);
        if free == 0 || self.waiting == 0 {
            return Vec::new();
        }
        let hooks_full = self.of_hooks(|lane| lane.sending) >= HOOKS_SENT;
        let lanes = self.lanes.values_mut();
        let open = lanes.filter(|lane| lane.connected < lane.connections());
        let open = open.filter(|lane| !(lane.is_hook && hooks_full));
        let open = open.filter(|lane| !lane.waiting.is_empty());
        let Some(lane) = open.min_by_key(|lane| lane.waiting.front().map(|(came, _)| *came)) else {
            return Vec::new();
        };
        let most = lane.run(free).min(lane.waiting.len());
        let run: Vec<T> = lane
            .waiting
            .drain(..most)
            .map(|(_, letter)| letter)
            .collect();
        lane.sending += run.len();
        lane.connected += 1;
        self.waiting -= run.len();
        self.sending += run.len();
        self.connected += 1;
        run
    }

    /// Letters taken out together are through, which took so long; gives back those that were not begun
    /// and those that need not wait behind them any more, and until when.
    pub(super) fn ended(
        &mut self,
        domain: &str,
        run: Run<T>,
        now: Moment,
    ) -> Vec<(T, Option<Moment>)> {
        let Some(lane) = self.lanes.get_mut(domain) else {
            return Vec::new();
        };
        let letters = run.sent + run.left.len();
        lane.sending = lane.sending.saturating_sub(letters);
        lane.connected = lane.connected.saturating_sub(1);
        self.sending = self.sending.saturating_sub(letters);
        self.connected = self.connected.saturating_sub(1);
        lane.pace = (lane.pace * 3 + run.took / run.sent.max(1) as i64) / 4;
        lane.is_troubled = run.is_trouble;
        let mut back = run.left;
        if !run.is_trouble {
            return back.into_iter().map(|letter| (letter, None)).collect();
        }
        self.waiting -= lane.waiting.len();
        back.extend(lane.waiting.drain(..).map(|(_, letter)| letter));
        back.into_iter()
            .map(|letter| (letter, Some(lane.put_off(now + SECOND))))
            .collect()
    }

    /// Takes out the letters that wait and of which that is true.
    pub(super) fn drain(&mut self, is_so: impl Fn(&T) -> bool) -> Vec<T> {
        let mut drained = Vec::new();
        for lane in self.lanes.values_mut() {
            for (came, letter) in std::mem::take(&mut lane.waiting) {
                if is_so(&letter) {
                    drained.push(letter);
                } else {
                    lane.waiting.push_back((came, letter));
                }
            }
        }
        self.waiting -= drained.len();
        drained
    }

    fn of_hooks(&self, figure: impl Fn(&Lane<T>) -> usize) -> usize {
        let hooks = self.lanes.values().filter(|lane| lane.is_hook);
        hooks.map(figure).sum()
    }

    /// Forgets the lanes of which nothing is to be remembered.
    fn forget(&mut self, now: Moment) {
        self.lanes.retain(|_, lane| {
            // A clock that was set back must not close a lane until it has caught up.
            while lane.taken.pop_back_if(|at| *at > now).is_some() {}
            while lane.taken.pop_front_if(|at| now - *at >= MINUTE).is_some() {}
            let is_idle = lane.waiting.is_empty() && lane.sending == 0;
            !is_idle || !lane.taken.is_empty() || lane.planned > now
        });
    }
}

/// The lane of a domain or a webhook.
fn lane<'a, T>(
    lanes: &'a mut HashMap<String, Lane<T>>,
    domain: &str,
    limits: Limits,
) -> &'a mut Lane<T> {
    lanes
        .entry(domain.to_string())
        .or_insert_with(|| Lane::new(domain, limits))
}

impl<T> Lane<T> {
    fn new(domain: &str, limits: Limits) -> Self {
        let is_hook = WebhookName::of_address(domain).is_some();
        Self {
            limits: if is_hook { HOOK_LIMITS } else { limits },
            is_hook,
            waiting: VecDeque::new(),
            sending: 0,
            connected: 0,
            is_troubled: false,
            pace: 0,
            taken: VecDeque::new(),
            planned: Moment::default(),
        }
    }

    fn room(&self) -> usize {
        match self.is_troubled {
            true => 1,
            false if self.is_hook => HOOK_ROOM,
            false => ROOM,
        }
    }

    fn connections(&self) -> usize {
        match self.limits.connections {
            _ if self.is_troubled => 1,
            0 => CONNECTIONS,
            most => most as usize,
        }
    }

    /// How many letters go over the next connection, of which there are so many in all.
    fn run(&self, free: usize) -> usize {
        if self.is_hook || self.is_troubled {
            return 1;
        }
        let free = free.min(self.connections().saturating_sub(self.connected));
        self.waiting.len().div_ceil(free.max(1)).clamp(1, RUN)
    }

    /// How long so many letters take.
    fn empty_in(&self, letters: usize) -> Micros {
        let rounds = letters.div_ceil(self.connections());
        self.pace.saturating_mul(rounds as i64)
    }

    /// The next moment at which the minute has a place again; none when it has one now.
    fn next_place(&self, now: Moment) -> Option<Moment> {
        let most = self.limits.per_minute as usize;
        if most == 0 || self.taken.len() < most {
            return None;
        }
        Some(
            self.taken
                .get(self.taken.len() - most)
                .map_or(now, |first| *first + MINUTE),
        )
    }

    /// A moment for a letter that finds no place before `earliest`, behind those given before.
    fn put_off(&mut self, earliest: Moment) -> Moment {
        let at = if self.planned > earliest + LONGEST {
            earliest
        } else {
            self.planned.max(earliest)
        };
        let share = match self.limits.per_minute {
            0 => 0,
            most => MINUTE / i64::from(most),
        };
        let pace = self.pace / self.connections() as i64;
        let apart = if self.is_troubled { APART } else { 1 };
        self.planned = at + share.max(pace).max(apart);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_seconds(1_772_442_000);

    fn due(ids: std::ops::Range<i64>, domain: &str) -> Vec<Due> {
        ids.map(|id| Due {
            id: LetterId(id),
            email: format!("desk@{domain}"),
        })
        .collect()
    }

    fn lanes(connections: u32, per_minute: u32) -> Lanes<i64> {
        Lanes::new(Limits {
            connections,
            per_minute,
        })
    }

    fn ids(choice: &Choice) -> Vec<i64> {
        choice.take.iter().map(|id| id.0).collect()
    }

    fn through(sent: usize, took: Micros) -> Run<i64> {
        Run {
            sent,
            left: vec![],
            took,
            is_trouble: false,
        }
    }

    fn trouble(sent: usize, left: Vec<i64>, took: Micros) -> Run<i64> {
        Run {
            sent,
            left,
            took,
            is_trouble: true,
        }
    }

    fn takes(lanes: &mut Lanes<i64>, domain: &str, choice: &Choice) {
        for id in &choice.take {
            lanes.push(domain, id.0);
        }
    }

    #[test]
    fn what_came_first_goes_first_over_no_more_connections_than_a_domain_may_have() {
        let mut lanes = lanes(2, 0);
        for (domain, letter) in [("a", 1), ("a", 2), ("a", 3), ("b", 4)] {
            lanes.push(domain, letter);
        }
        let begun: Vec<_> = (0..4).map(|_| lanes.begin()).collect();
        assert_eq!(begun, [vec![1, 2], vec![3], vec![4], vec![]]);
        assert!(lanes.ended("a", through(2, 5), NOW).is_empty());
        lanes.push("a", 5);
        assert_eq!(lanes.begin(), [5]);
        assert_eq!((lanes.begin(), lanes.held()), (vec![], 3));
    }

    #[test]
    fn a_minute_holds_so_many_and_the_rest_is_put_off_in_order() {
        let mut lanes = lanes(4, 3);
        let choice = lanes.choose(&due(1..7, "a"), NOW, 100);
        assert_eq!(ids(&choice), [1, 2, 3]);
        let later = |seconds| NOW + seconds * SECOND;
        assert_eq!(
            choice.put_off,
            [(4, 60), (5, 80), (6, 100)].map(|(id, at)| (LetterId(id), later(at)))
        );
        // Half a minute later the minute is still full; a whole one later it is not.
        assert!(
            lanes
                .choose(&due(7..8, "a"), later(30), 100)
                .take
                .is_empty()
        );
        assert_eq!(ids(&lanes.choose(&due(4..6, "a"), later(60), 100)), [4, 5]);
        // Another domain has a minute of its own.
        assert_eq!(ids(&lanes.choose(&due(9..10, "b"), later(30), 100)), [9]);
    }

    #[test]
    fn a_clock_that_was_set_back_closes_no_lane() {
        let mut lanes = lanes(4, 1);
        assert_eq!(ids(&lanes.choose(&due(1..2, "a"), NOW, 100)), [1]);
        let earlier = NOW - 7_200 * SECOND;
        assert_eq!(ids(&lanes.choose(&due(2..3, "a"), earlier, 100)), [2]);
        let choice = lanes.choose(&due(3..4, "a"), earlier, 100);
        assert_eq!(choice.put_off, [(LetterId(3), earlier + MINUTE)]);
    }

    #[test]
    fn ten_thousand_letters_to_a_dead_domain_are_looked_past() {
        let mut lanes = lanes(2, 0);
        let first = lanes.choose(&due(0..100, "dead"), NOW, 100);
        assert_eq!(first.take.len(), ROOM);
        assert!(first.is_full, "nothing is known of it yet");
        takes(&mut lanes, "dead", &first);
        let (one, other) = (lanes.begin(), lanes.begin());
        assert_eq!((one.len(), other.len()), (RUN, RUN));
        assert!(lanes.begin().is_empty());

        let back = lanes.ended("dead", trouble(1, one[1..].to_vec(), 20 * SECOND), NOW);
        assert_eq!(back.len(), ROOM - RUN - 1, "they need not wait behind it");
        let five_minutes = &back[..(LONGEST / (10 * SECOND)) as usize];
        assert!(five_minutes.is_sorted_by_key(|(_, at)| *at));
        assert!(back.iter().all(|(_, until)| until.is_some()));
        let back = lanes.ended("dead", trouble(1, other[1..].to_vec(), 20 * SECOND), NOW);
        assert_eq!((back.len(), lanes.held()), (RUN - 1, 0));

        let mut all = due(100..10_100, "dead");
        all.extend(due(20_000..20_001, "alive"));
        let choice = lanes.choose(&all, NOW, 100);
        assert_eq!(
            ids(&choice),
            [100, 20_000],
            "one finds out, and the other goes"
        );
        assert_eq!(choice.put_off.len(), 9_999);
        let longest = NOW + 2 * LONGEST + MINUTE;
        assert!(
            choice
                .put_off
                .iter()
                .all(|(_, at)| (NOW + 1..longest).contains(at))
        );

        takes(
            &mut lanes,
            "dead",
            &Choice {
                take: vec![LetterId(100)],
                ..Choice::default()
            },
        );
        assert_eq!(lanes.begin(), [100]);
        lanes.ended("dead", through(1, 1_000), NOW);
        assert!(
            lanes.choose(&due(101..105, "dead"), NOW, 100).take.len() == 4,
            "it is back"
        );
    }

    #[test]
    fn webhooks_however_many_leave_connections_and_room_to_mail() {
        let mut lanes = lanes(0, 0);
        let hooks: Vec<Due> = (0..400)
            .map(|id| Due {
                id: LetterId(id),
                email: format!("webhook:h{}", id % 40),
            })
            .collect();
        let choice = lanes.choose(&hooks, NOW, 1_000);
        assert_eq!(choice.take.len(), HOOKS_HELD);
        assert_eq!(choice.put_off.len(), 400 - HOOKS_HELD);
        for id in &choice.take {
            let hook = &hooks[id.0 as usize];
            lanes.push(hook.domain(), id.0);
        }
        let mut sending = 0;
        while let [_] = lanes.begin()[..] {
            sending += 1;
        }
        assert_eq!(sending, HOOKS_SENT);
        let mail = lanes.choose(&due(1_000..1_010, "a"), NOW, 100);
        assert_eq!(mail.take.len(), 10);
        takes(&mut lanes, "a", &mail);
        assert_eq!(lanes.begin(), [1_000], "mail goes at once");
    }

    #[test]
    fn a_fast_domain_whose_room_is_full_is_not_put_off() {
        let mut lanes = lanes(1, 0);
        let first = lanes.choose(&due(0..ROOM as i64, "a"), NOW, 100);
        takes(&mut lanes, "a", &first);
        assert_eq!(lanes.begin().len(), RUN);
        lanes.ended("a", through(RUN, RUN as i64 * 1_000), NOW);
        let choice = lanes.choose(&due(200..300, "a"), NOW, 100);
        assert_eq!(
            (choice.take.len(), choice.put_off.len(), choice.is_full),
            (RUN, 0, true)
        );
    }

    #[test]
    fn what_waited_too_long_is_given_back_and_the_rest_stays_in_order() {
        let mut lanes = lanes(1, 0);
        (1..6).for_each(|letter| lanes.push("a", letter));
        assert_eq!(lanes.drain(|letter| letter % 2 == 0), [2, 4]);
        assert_eq!((lanes.begin(), lanes.held()), (vec![1, 3, 5], 3));
        let run = Run {
            left: vec![5],
            ..through(2, 1)
        };
        assert_eq!(lanes.ended("a", run, NOW), [(5, None)]);
        assert_eq!(lanes.held(), 0);
    }

    #[test]
    fn letters_go_side_by_side_while_there_are_connections_and_in_turn_beyond() {
        for (connections, letters, runs) in [
            (0, 5, vec![1; 5]),
            (0, 64, vec![2; 32]),
            (4, 10, vec![3, 3, 2, 2]),
            (1, 40, vec![RUN]),
        ] {
            let mut lanes = lanes(connections, 0);
            (0..letters).for_each(|letter| lanes.push("a", letter));
            let begun: Vec<_> = (0..40).map(|_| lanes.begin().len()).collect();
            let begun: Vec<_> = begun.into_iter().filter(|run| *run > 0).collect();
            assert_eq!(
                begun, runs,
                "{letters} letters over {connections} connections"
            );
        }
    }
}
