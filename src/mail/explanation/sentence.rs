//! What each line of an explanation says, in both languages.

use super::super::letters::line;
use super::super::wording;
use super::Teller;
use crate::domain::clock::{
    Effect, Ground, Line, NoDay, NotHeld, SeverityTurn, Shut, StopGround, What,
};
use crate::domain::locale::Locale;
use crate::domain::terms::OnReopen;
use crate::domain::words::EventKind;
use crate::time::{Micros, Moment};

impl Teller {
    fn event(self, kind: EventKind, seq: i64) -> String {
        let name = wording::event(kind, self.locale);
        match self.locale {
            Locale::En => format!("{name} (event {seq})"),
            Locale::ZhCn => format!("{name}（事件 {seq}）"),
        }
    }

    /// What a line says.
    pub fn what(self, of: &Line) -> String {
        let en = self.locale == Locale::En;
        match &of.what {
            What::Started(Some((kind, seq))) if en => {
                format!("Starts: {}", self.event(*kind, *seq))
            }
            What::Started(Some((kind, seq))) => format!("开始：{}", self.event(*kind, *seq)),
            What::Started(None) => self
                .say(
                    "Starts, as the interval before ran out",
                    "开始：上一期限已到",
                )
                .into(),
            What::Open(_) => self.say("Open", "服务时间").into(),
            What::BeforeDayZero(_) => self
                .say(
                    "Open, but before the first business day: does not count",
                    "服务时间，但在首个工作日之前：不计入",
                )
                .into(),
            What::Held(_, grounds) => {
                let grounds: Vec<String> =
                    grounds.iter().map(|ground| self.ground(ground)).collect();
                let grounds = grounds.join(self.say("; ", "；"));
                match en {
                    true => format!("Open, but held: {grounds}"),
                    false => format!("服务时间，但计时暂停：{grounds}"),
                }
            }
            What::Shut(shut) => self.shut(shut),
            What::Idle => self
                .say(
                    "Nothing was promised for the severity of that time",
                    "该级别未承诺此项",
                )
                .into(),
            What::Skipped(date) => match en {
                true => format!("The zone left out {}", date.format("%-d %b %Y")),
                false => format!("该时区跳过了 {date}"),
            },
            What::BusinessDay(number, _) if en => format!("Business day {number}"),
            What::BusinessDay(number, _) => format!("第 {number} 个工作日"),
            What::NoBusinessDay(_, why) => self.no_business_day(why),
            What::Paused(ground) if en => format!("Pause begins: {}", self.stop(ground)),
            What::Paused(ground) => format!("暂停开始：{}", self.stop(ground)),
            What::NotPaused(ground, why) => self.not_paused(ground, *why),
            What::Resumed(ground, seq) if en => {
                format!("Pause ends: {} (event {seq})", ground.code)
            }
            What::Resumed(ground, seq) => format!("暂停结束：{}（事件 {seq}）", ground.code),
            What::Stopped(Some((kind, seq))) if en => {
                format!("Stopped: {}", self.event(*kind, *seq))
            }
            What::Stopped(Some((kind, seq))) => format!("停止：{}", self.event(*kind, *seq)),
            What::Stopped(None) => self.say("Stopped", "停止").into(),
            What::Awaiting(until) if en => format!(
                "Waits for our confirmation; silence until {} is a yes",
                self.moment(*until)
            ),
            What::Awaiting(until) => {
                format!("待我方确认；至 {} 未答复即视为确认", self.moment(*until))
            }
            What::Confirmed(at, seq) => self.confirmed(*at, *seq),
            What::Rejected(seq, by) => self.rejected(*seq, *by),
            What::Waits => self
                .say("Waits for what it starts with", "尚未开始：起算事件未发生")
                .into(),
            What::Measured(seq, lost) if en => {
                format!("{} of data lost (event {seq})", self.length(*lost))
            }
            What::Measured(seq, lost) => format!("丢失数据 {}（事件 {seq}）", self.length(*lost)),
            What::Reopened(seq, policy) => self.reopened(*seq, *policy),
            What::Severity(turn) => self.severity(turn, of.budget),
            What::Edited {
                before,
                after,
                due_before,
                due_after,
            } => {
                let (from, to) = (self.due(*due_before), self.due(*due_after));
                match en {
                    true => format!(
                        "Calendar edited, revision {before} to {after}; due before: {from}, from then on: {to}"
                    ),
                    false => format!(
                        "日历修订（第 {before} 版改为第 {after} 版）；期限由 {from} 改为 {to}"
                    ),
                }
            }
            What::Cancelled(seq, void) => match (en, void) {
                (true, true) => format!("Cancelled as never having been (event {seq})"),
                (true, false) => format!("Cancelled (event {seq})"),
                (false, true) => format!("取消：事件从未成立（事件 {seq}）"),
                (false, false) => format!("取消（事件 {seq}）"),
            },
            What::Followed => self
                .say(
                    "The next interval has run out too: from here on that one is late",
                    "下一期限也已到：此后由其计逾期",
                )
                .into(),
            What::Written(at) if en => format!(
                "Due as written, {}, if nothing had stood still",
                self.moment(*at)
            ),
            What::Written(at) => format!("若无暂停，期限为 {}", self.moment(*at)),
            What::Now(true) => self
                .say(
                    "Now; the clock stands still, and nothing falls due",
                    "当前：计时暂停，暂无期限",
                )
                .into(),
            What::Now(false) => self.say("Now", "当前").into(),
            What::Due {
                written,
                floor,
                provisional,
            } => self.falls_due(*written, *floor, *provisional),
        }
    }

    fn falls_due(self, written: bool, floor: Option<Moment>, provisional: bool) -> String {
        let mut text = self.say("Due", "期限").to_string();
        if written {
            text += self.say(", as the rule writes it", "（按约定时刻）");
        }
        if let Some(edit) = floor {
            let edit = self.moment(edit);
            text += &match self.locale {
                Locale::En => format!(
                    "; the edited calendar would put it into the past, so it is no earlier than the edit of {edit}"
                ),
                Locale::ZhCn => format!("；按修订后的日历已过期，故不早于修订时刻 {edit}"),
            };
        }
        if provisional {
            text += self.say(
                "; provisional, since the holiday list ends before it",
                "；暂定，节假日表未覆盖该日",
            );
        }
        text
    }

    fn shut(self, shut: &Shut) -> String {
        let en = self.locale == Locale::En;
        match shut {
            Shut::OutsideHours => self.say("Closed", "非服务时间").into(),
            Shut::Holiday(_, name) if name.is_empty() => {
                self.say("Closed: holiday", "非服务时间：节假日").into()
            }
            Shut::Holiday(_, name) if en => format!("Closed: {}", line(name)),
            Shut::Holiday(_, name) => format!("非服务时间：{}", line(name)),
            Shut::SpecialHours(_, name, windows) => {
                let windows: Vec<String> = windows.iter().map(ToString::to_string).collect();
                let windows = windows.join(self.say(", ", "、"));
                let name = line(name);
                match en {
                    true => format!("Closed: special hours {windows} {name}")
                        .trim_end()
                        .into(),
                    false => format!("非服务时间：特别时段 {windows} {name}")
                        .trim_end()
                        .into(),
                }
            }
        }
    }

    fn no_business_day(self, why: &NoDay) -> String {
        match (why, self.locale) {
            (NoDay::Closed, _) => self.say("No business day", "非工作日").into(),
            (NoDay::Holiday(name), Locale::En) => format!("No business day: {}", line(name)),
            (NoDay::Holiday(name), Locale::ZhCn) => format!("非工作日：{}", line(name)),
            (NoDay::Over, _) => self
                .say("No open time is left on this day", "当日服务时间已过")
                .into(),
        }
    }

    /// A clock stop as the contract names it, and the pause that rests on it.
    fn stop(self, ground: &StopGround) -> String {
        let (code, name) = (line(&ground.code), line(&ground.name));
        let clause = line(&ground.clause);
        let named = if name.is_empty() || name == code {
            code
        } else {
            format!("{code} {name}")
        };
        match (self.locale, ground.agreed) {
            (Locale::En, None) => format!("{named}, clause {clause} (event {})", ground.seq),
            (Locale::En, Some(by)) => format!(
                "{named}, clause {clause} (event {}, agreed in event {by})",
                ground.seq
            ),
            (Locale::ZhCn, None) => format!("{named}，第 {clause} 条（事件 {}）", ground.seq),
            (Locale::ZhCn, Some(by)) => format!(
                "{named}，第 {clause} 条（事件 {}，双方于事件 {by} 同意）",
                ground.seq
            ),
        }
    }

    fn ground(self, ground: &Ground) -> String {
        match (ground, self.locale) {
            (Ground::Stop(ground), _) => self.stop(ground),
            (Ground::Gap { reopened }, Locale::En) => {
                format!(
                    "stopped until it was reopened (event {reopened}); the terms leave that out"
                )
            }
            (Ground::Gap { reopened }, Locale::ZhCn) => {
                format!("停止至重新打开（事件 {reopened}），按约定不计入")
            }
        }
    }

    fn not_paused(self, ground: &StopGround, why: NotHeld) -> String {
        let stop = self.stop(ground);
        match (why, self.locale) {
            (NotHeld::NotForThis, Locale::En) => {
                format!("A pause that does not hold this clock: {stop}")
            }
            (NotHeld::NotForThis, Locale::ZhCn) => format!("暂停，不适用于本项：{stop}"),
            (NotHeld::Unanswered, Locale::En) => {
                format!(
                    "A pause that does not count, as both sides must agree and the other has not: {stop}"
                )
            }
            (NotHeld::Unanswered, Locale::ZhCn) => {
                format!("暂停，须双方同意而未获同意，不计：{stop}")
            }
            (NotHeld::Refused(by), Locale::En) => {
                format!("A pause that does not count, refused in event {by}: {stop}")
            }
            (NotHeld::Refused(by), Locale::ZhCn) => {
                format!("暂停，事件 {by} 中被拒绝，不计：{stop}")
            }
            (NotHeld::OpenAlready, Locale::En) => {
                format!("A pause on a ground that holds already: {stop}")
            }
            (NotHeld::OpenAlready, Locale::ZhCn) => format!("暂停，同一理由已在暂停：{stop}"),
        }
    }

    fn confirmed(self, at: Moment, seq: Option<i64>) -> String {
        let at = self.moment(at);
        match (seq, self.locale) {
            (Some(seq), Locale::En) => format!("Repair confirmed {at} (event {seq})"),
            (Some(seq), Locale::ZhCn) => format!("{at} 确认已解决（事件 {seq}）"),
            (None, Locale::En) => format!("Repair counts as confirmed since {at}, by silence"),
            (None, Locale::ZhCn) => format!("{at} 起因未答复视为确认已解决"),
        }
    }

    fn rejected(self, seq: i64, by: Option<i64>) -> String {
        match (by, self.locale) {
            (Some(by), Locale::En) => {
                format!(
                    "A repair was reported (event {seq}) and rejected (event {by}): it never happened"
                )
            }
            (Some(by), Locale::ZhCn) => {
                format!("曾报告已解决（事件 {seq}），未获认可（事件 {by}）：视为未发生")
            }
            (None, Locale::En) => format!("A repair was reported (event {seq}) and rejected"),
            (None, Locale::ZhCn) => format!("曾报告已解决（事件 {seq}），未获认可"),
        }
    }

    fn reopened(self, seq: i64, policy: OnReopen) -> String {
        let what = match policy {
            OnReopen::Continue => self.say(
                "the clock goes on, without the time it was stopped",
                "继续计时，停止期间不计入",
            ),
            OnReopen::AsIfNeverResolved => self.say(
                "the clock goes on as if it had never been stopped",
                "继续计时，停止期间照计",
            ),
            OnReopen::Restart => self.say("a new run begins", "重新计时"),
        };
        match self.locale {
            Locale::En => format!("Reopened (event {seq}): {what}"),
            Locale::ZhCn => format!("重新打开（事件 {seq}）：{what}"),
        }
    }

    fn severity(self, turn: &SeverityTurn, budget: Micros) -> String {
        let to = line(&turn.to);
        let change = match &turn.from {
            Some(from) => format!("{} → {to}", line(from)),
            None => to,
        };
        let event = match (turn.seq, self.locale) {
            (Some(seq), Locale::En) => format!(" (event {seq})"),
            (Some(seq), Locale::ZhCn) => format!("（事件 {seq}）"),
            (None, _) => String::new(),
        };
        let target = self.length(budget);
        let en = self.locale == Locale::En;
        let did = match turn.effect {
            Effect::FromStart if en => format!("the target of {target} counts from the start"),
            Effect::FromStart => format!("新时限 {target} 自起点计"),
            Effect::FromChange if en => format!("the target of {target} counts from the change"),
            Effect::FromChange => format!("新时限 {target} 自变更时计"),
            Effect::Carried(carried) => {
                let carried = self.length(carried);
                let used = turn
                    .used
                    .map(|(used, whole)| (self.length(used), self.length(whole)));
                match (used, en) {
                    (Some((used, whole)), true) => format!(
                        "{used} of {whole} was used, so {carried} of {target} counts as used"
                    ),
                    (None, true) => format!("{carried} of {target} counts as used"),
                    (Some((used, whole)), false) => {
                        format!("原时限 {whole} 已用 {used}，故新时限 {target} 视为已用 {carried}")
                    }
                    (None, false) => format!("新时限 {target} 视为已用 {carried}"),
                }
            }
            Effect::Fresh if en => format!(
                "the new deadline would have passed, which the vendor could not know, so the target of {target} counts from the change"
            ),
            Effect::Fresh => format!("按新时限已过期，供应商无从预知，故 {target} 自变更时计"),
            Effect::Kept => self
                .say(
                    "it had run out already and keeps its due moment",
                    "此前已到期，期限不变",
                )
                .into(),
            Effect::NoCommitment => self
                .say(
                    "nothing is promised for it, so nothing counts",
                    "该级别未承诺此项，停止计时",
                )
                .into(),
        };
        let due = match (turn.effect, en) {
            (Effect::Kept | Effect::NoCommitment, _) => String::new(),
            (_, true) => format!("; due {}", self.due(turn.due_after)),
            (_, false) => format!("；期限 {}", self.due(turn.due_after)),
        };
        match en {
            true => format!("Severity {change}{event}: {did}{due}"),
            false => format!("级别 {change}{event}：{did}{due}"),
        }
    }
}
