//! Moments, lengths of time, names and shares as a letter's reader says them.

use chrono::{DateTime, Datelike, MappedLocalTime, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::domain::letter::{ClockFacts, Promised, Trigger};
use crate::domain::link::Purpose;
use crate::domain::locale::Locale;
use crate::domain::words::{ClockState, EventKind, Metric};
use crate::domain::zone::Zone;
use crate::time::{HOUR, MINUTE, Micros, Moment, SECOND};

/// "Fri 20 Nov 2026, 16:52 CET (Europe/Berlin)" or "2026年11月20日 周五 16:52 (Europe/Berlin)".
///
/// Seconds are shown where the moment has them: a deadline is never shown earlier or later than
/// the second in which it lies.
pub fn moment(at: Moment, zone: Zone, locale: Locale) -> String {
    let local = at.in_zone(zone.0);
    let (date, clock) = (day(&local, locale), wall_clock(&local));
    match locale {
        Locale::En => format!("{date}, {clock} {} ({zone})", abbreviation(&local)),
        Locale::ZhCn if is_repeated(&local) => {
            format!("{date} {clock} {} ({zone})", abbreviation(&local))
        }
        Locale::ZhCn => format!("{date} {clock} ({zone})"),
    }
}

/// The same without year and zone name, for a subject: "Fri 20 Nov, 16:52 CET" or "11月20日 16:52".
pub fn moment_short(at: Moment, zone: Zone, locale: Locale) -> String {
    let local = at.in_zone(zone.0);
    let clock = wall_clock(&local);
    match locale {
        Locale::En => format!(
            "{}, {clock} {}",
            local.format("%a %-d %b"),
            abbreviation(&local)
        ),
        Locale::ZhCn => format!("{}月{}日 {clock}", local.month(), local.day()),
    }
}

/// "1 Oct 2026" or "2026年10月1日".
pub fn date(at: Moment, zone: Zone, locale: Locale) -> String {
    let local = at.in_zone(zone.0);
    match locale {
        Locale::En => local.format("%-d %b %Y").to_string(),
        Locale::ZhCn => format!("{}年{}月{}日", local.year(), local.month(), local.day()),
    }
}

fn day(local: &DateTime<Tz>, locale: Locale) -> String {
    day_of(local, locale, true)
}

/// "Fri 20 Nov 2026" or "2026年11月20日 周五", or without the year.
pub fn day_of(local: &DateTime<Tz>, locale: Locale, with_year: bool) -> String {
    const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
    match locale {
        Locale::En if with_year => local.format("%a %-d %b %Y").to_string(),
        Locale::En => local.format("%a %-d %b").to_string(),
        Locale::ZhCn => {
            let year = match with_year {
                true => format!("{}年", local.year()),
                false => String::new(),
            };
            let weekday = WEEKDAYS[local.weekday().num_days_from_monday() as usize];
            format!("{year}{}月{}日 {weekday}", local.month(), local.day())
        }
    }
}

/// "16:52", with seconds where the moment has them.
pub fn wall_clock(local: &DateTime<Tz>) -> String {
    let form = if local.second() == 0 {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    local.format(form).to_string()
}

/// "CET", or "UTC+08" where the zone has no letters of its own.
fn abbreviation(local: &DateTime<Tz>) -> String {
    let name = local.format("%Z").to_string();
    if name.starts_with(['+', '-']) {
        format!("UTC{name}")
    } else {
        name
    }
}

/// Whether the wall clock shows this time twice on that day.
fn is_repeated(local: &DateTime<Tz>) -> bool {
    matches!(
        local.timezone().from_local_datetime(&local.naive_local()),
        MappedLocalTime::Ambiguous(..)
    )
}

/// "2 h 15 min", "3 min 45 s"; below an hour the seconds are kept. Never rounded up.
pub fn duration(micros: Micros, locale: Locale) -> String {
    let exact = micros.unsigned_abs() < HOUR.unsigned_abs();
    lengths(micros, locale, exact)
}

/// A length that someone promised: no second of it is dropped.
pub fn budget(micros: Micros, locale: Locale) -> String {
    lengths(micros, locale, true)
}

fn lengths(micros: Micros, locale: Locale, exact: bool) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let length = micros.saturating_abs();
    let (hours, minutes) = (length / HOUR, length % HOUR / MINUTE);
    let seconds = length % MINUTE / SECOND;
    let chinese = locale == Locale::ZhCn;

    if length > 0 && length < SECOND {
        return match (length / 1_000, chinese) {
            (0, false) => format!("{sign}less than 1 ms"),
            (0, true) => format!("{sign}不足 1 毫秒"),
            (milliseconds, false) => format!("{sign}{milliseconds} ms"),
            (milliseconds, true) => format!("{sign}{milliseconds} 毫秒"),
        };
    }

    let shows_seconds = exact && (seconds > 0 || length < MINUTE);
    let minute = match (chinese, hours > 0 || shows_seconds) {
        (false, _) => "min",
        (true, true) => "分",
        (true, false) => "分钟",
    };
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} {}", if chinese { "小时" } else { "h" }));
    }
    if minutes > 0 {
        parts.push(format!("{minutes} {minute}"));
    }
    if shows_seconds {
        parts.push(format!("{seconds} {}", if chinese { "秒" } else { "s" }));
    }
    format!("{sign}{}", parts.join(" "))
}

/// "97.5 %". Only what is whole is shown as 100 %, and only nothing as 0 %.
pub fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round();
    let tenths = match tenths as i64 {
        1000 if share < 1.0 => 999.0,
        0 if share > 0.0 => 1.0,
        _ => tenths,
    };
    format!("{:.1} %", tenths / 10.0)
}

/// What a metric is called in a sentence.
pub fn metric(metric: Metric, locale: Locale) -> &'static str {
    match (metric, locale) {
        (Metric::Respond, Locale::En) => "first response",
        (Metric::Update, Locale::En) => "update",
        (Metric::Workaround, Locale::En) => "workaround",
        (Metric::Restore, Locale::En) => "restoration of service",
        (Metric::Resolve, Locale::En) => "final repair",
        (Metric::RootCause, Locale::En) => "explanation of the cause",
        (Metric::DataLoss, Locale::En) => "limit on lost data",
        (Metric::Respond, Locale::ZhCn) => "首次响应",
        (Metric::Update, Locale::ZhCn) => "进展通报",
        (Metric::Workaround, Locale::ZhCn) => "临时解决措施",
        (Metric::Restore, Locale::ZhCn) => "服务恢复",
        (Metric::Resolve, Locale::ZhCn) => "彻底修复",
        (Metric::RootCause, Locale::ZhCn) => "原因说明",
        (Metric::DataLoss, Locale::ZhCn) => "数据丢失限额",
    }
}

/// What a clock measures: the metric, for updates with the number of the interval.
pub fn subject_of(clock: &ClockFacts, locale: Locale) -> String {
    let name = metric(clock.metric, locale);
    match (clock.metric, locale) {
        (Metric::Update, Locale::En) if clock.interval > 0 => {
            format!("{name} no. {}", clock.interval)
        }
        (Metric::Update, Locale::ZhCn) if clock.interval > 0 => {
            format!("第 {} 次{name}", clock.interval)
        }
        _ => name.to_string(),
    }
}

/// What an event says, as a name.
pub fn event(kind: EventKind, locale: Locale) -> &'static str {
    use EventKind as K;
    let (english, chinese) = match kind {
        K::Reported => ("reported", "已报告"),
        K::Responded => ("responded", "已响应"),
        K::Updated => ("updated", "已通报进展"),
        K::Promised => ("time promised", "已承诺时间"),
        K::WorkedAround => ("workaround in place", "已有临时措施"),
        K::Restored => ("service restored", "服务已恢复"),
        K::Resolved => ("resolved", "已解决"),
        K::Confirmed => ("repair confirmed", "确认已解决"),
        K::Rejected => ("repair rejected", "不认可已解决"),
        K::Reopened => ("reopened", "重新打开"),
        K::Paused => ("clock paused", "计时暂停"),
        K::Agreed => ("pause agreed", "同意暂停"),
        K::Refused => ("pause refused", "拒绝暂停"),
        K::Resumed => ("clock resumed", "计时恢复"),
        K::SeverityChanged => ("severity changed", "严重级别变更"),
        K::DataLoss => ("data loss measured", "数据丢失已测定"),
        K::CauseExplained => ("cause explained", "已说明原因"),
        K::HandedOver => ("handed over", "已移交"),
        K::Acknowledged => ("escalation taken", "已接手升级"),
        K::DeadlineMoved => ("deadline moved", "期限调整"),
        K::Noted => ("noted", "备注"),
        K::Erased => ("texts erased", "内容删除"),
        K::Corrected => ("entry corrected", "记录更正"),
        K::Cancelled => ("incident cancelled", "事件取消"),
    };
    match locale {
        Locale::En => english,
        Locale::ZhCn => chinese,
    }
}

/// What a link does, as its reader says it: "acknowledge: a person has it in hand".
pub fn purpose(purpose: Purpose, locale: Locale) -> &'static str {
    use Purpose as P;
    let (english, chinese) = match purpose {
        P::Acknowledge => ("Acknowledge: a person is on it", "确认响应：已有人员处理"),
        P::Update => ("Give an update", "通报进展"),
        P::Promise => ("Name the time by which it will be done", "承诺完成时间"),
        P::Workaround => ("Report a workaround", "报告临时措施"),
        P::Restored => ("Report the service restored", "报告服务已恢复"),
        P::Resolved => ("Report it resolved", "报告已解决"),
        P::View => ("All open incidents", "全部未结事件"),
        P::Take => ("Take this on", "由我接手"),
    };
    match locale {
        Locale::En => english,
        Locale::ZhCn => chinese,
    }
}

/// "within 15 min of open time", "by 16:00 on the 2nd business day after".
pub fn promise(promised: &Promised, locale: Locale) -> String {
    match (promised, locale) {
        (Promised::OpenTime { micros }, Locale::En) => {
            format!("within {} of open time", budget(*micros, locale))
        }
        (Promised::OpenTime { micros }, Locale::ZhCn) => {
            format!("服务时间 {}内", budget(*micros, locale))
        }
        (Promised::Amount { micros }, Locale::En) => {
            format!("at most {} of data lost", budget(*micros, locale))
        }
        (Promised::Amount { micros }, Locale::ZhCn) => {
            format!("数据丢失不超过 {}", budget(*micros, locale))
        }
        (Promised::BusinessDays { days, at }, Locale::En) => {
            let time = match at.as_str() {
                "close" => "close of business",
                "same_time" => "the same time of day",
                time => time,
            };
            match days {
                0 => format!("by {time} on the same business day"),
                1 => format!("by {time} on the next business day"),
                days => format!("by {time} on the {} business day after", ordinal(*days)),
            }
        }
        (Promised::BusinessDays { days, at }, Locale::ZhCn) => {
            let time = match at.as_str() {
                "close" => "营业结束前".to_string(),
                "same_time" => "同一时刻前".to_string(),
                time => format!(" {time} 前"),
            };
            match days {
                0 => format!("当个工作日{time}"),
                1 => format!("下一个工作日{time}"),
                days => format!("其后第 {days} 个工作日{time}"),
            }
        }
    }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// "at 75 % of the time", "30 min of open time before the deadline".
pub fn trigger(trigger: &Trigger, locale: Locale) -> String {
    let measured = |measured: &str| match (measured, locale) {
        ("elapsed", Locale::En) => "elapsed",
        (_, Locale::En) => "of open time",
        ("elapsed", Locale::ZhCn) => "自然时间",
        (_, Locale::ZhCn) => "服务时间",
    };
    match (trigger, locale) {
        (Trigger::Percent { percent }, Locale::En) => format!("at {percent} % of the time"),
        (Trigger::Percent { percent }, Locale::ZhCn) => format!("时限已用 {percent}% 时"),
        (Trigger::AtDue, Locale::En) => "at the deadline".to_string(),
        (Trigger::AtDue, Locale::ZhCn) => "到期时".to_string(),
        (
            Trigger::BeforeDue {
                offset,
                measured: by,
            },
            Locale::En,
        ) => {
            format!(
                "{} {} before the deadline",
                budget(*offset, locale),
                measured(by)
            )
        }
        (
            Trigger::BeforeDue {
                offset,
                measured: by,
            },
            Locale::ZhCn,
        ) => {
            format!("到期前{} {}", measured(by), budget(*offset, locale))
        }
        (
            Trigger::AfterDue {
                offset,
                measured: by,
            },
            Locale::En,
        ) => {
            format!(
                "{} {} after the deadline",
                budget(*offset, locale),
                measured(by)
            )
        }
        (
            Trigger::AfterDue {
                offset,
                measured: by,
            },
            Locale::ZhCn,
        ) => {
            format!("到期后{} {}", measured(by), budget(*offset, locale))
        }
    }
}

/// How a clock stands, in a few words.
pub fn standing(clock: &ClockFacts, zone: Zone, locale: Locale) -> String {
    let english = locale == Locale::En;
    let stopped = clock.stopped_at.map(|at| moment(at, zone, locale));
    let left = clock
        .remaining
        .filter(|left| *left >= 0)
        .map(|left| duration(left, locale));
    let overdue = is_overdue(clock);
    if let Some(lost) = clock.lost {
        let lost = duration(lost, locale);
        return match (clock.state == ClockState::Missed, english) {
            (true, true) => format!("missed; {lost} of data lost"),
            (true, false) => format!("未达标；丢失数据 {lost}"),
            (false, true) => format!("met; {lost} of data lost"),
            (false, false) => format!("已达标；丢失数据 {lost}"),
        };
    }
    match (clock.state, english) {
        (ClockState::Pending, true) => "not begun yet".to_string(),
        (ClockState::Pending, false) => "尚未开始".to_string(),
        (ClockState::Awaiting, true) => match stopped {
            Some(at) => format!("done {at}; our confirmation is awaited"),
            None => "our confirmation is awaited".to_string(),
        },
        (ClockState::Awaiting, false) => match stopped {
            Some(at) => format!("{at} 完成，待我方确认"),
            None => "待我方确认".to_string(),
        },
        (ClockState::Cancelled, true) => "no longer asked for".to_string(),
        (ClockState::Cancelled, false) => "已不再要求".to_string(),
        (ClockState::Met, true) => match stopped {
            Some(at) => format!("met, {at}"),
            None => "met".to_string(),
        },
        (ClockState::Met, false) => match stopped {
            Some(at) => format!("已按期完成，{at}"),
            None => "已按期完成".to_string(),
        },
        (ClockState::Missed, true) => match stopped {
            Some(at) => format!("missed; done {at}"),
            None => "missed".to_string(),
        },
        (ClockState::Missed, false) => match stopped {
            Some(at) => format!("未按期完成；实际完成 {at}"),
            None => "未按期完成".to_string(),
        },
        (ClockState::Paused, true) if overdue => "overdue; the clock is paused".to_string(),
        (ClockState::Paused, false) if overdue => "已逾期；计时暂停中".to_string(),
        (ClockState::Paused, true) => match left {
            Some(left) => format!("paused with {left} of open time left"),
            None => "paused".to_string(),
        },
        (ClockState::Paused, false) => match left {
            Some(left) => format!("计时暂停，剩余 {left}"),
            None => "计时暂停".to_string(),
        },
        (ClockState::Running, true) if overdue => "overdue and still open".to_string(),
        (ClockState::Running, false) if overdue => "已逾期，尚未完成".to_string(),
        (ClockState::Running, true) => match left {
            Some(left) => format!("running; {left} of open time left"),
            None => "running".to_string(),
        },
        (ClockState::Running, false) => match left {
            Some(left) => format!("计时中，剩余 {left}"),
            None => "计时中".to_string(),
        },
    }
}

/// Whether the clock has passed its deadline, stopped or not.
pub fn is_overdue(clock: &ClockFacts) -> bool {
    clock.breached_at.is_some() || clock.state == ClockState::Missed
}

/// "1 h 5 min (15 min of open time)"; empty where nothing is late.
pub fn lateness(open: Option<Micros>, elapsed: Option<Micros>, locale: Locale) -> String {
    let open = open.filter(|late| *late >= 0);
    let elapsed = elapsed.filter(|late| *late >= 0);
    if open.unwrap_or(0) == 0 && elapsed.unwrap_or(0) == 0 {
        return String::new();
    }
    let say = |late| duration(late, locale);
    match (open, elapsed, locale) {
        (None, None, _) => String::new(),
        (None, Some(elapsed), Locale::En) => say(elapsed),
        (Some(open), None, Locale::En) => format!("{} of open time", say(open)),
        (Some(open), Some(elapsed), Locale::En) => {
            format!("{} ({} of open time)", say(elapsed), say(open))
        }
        (None, Some(elapsed), Locale::ZhCn) => format!("自然时间 {}", say(elapsed)),
        (Some(open), None, Locale::ZhCn) => format!("服务时间 {}", say(open)),
        (Some(open), Some(elapsed), Locale::ZhCn) => {
            format!("自然时间 {}（服务时间 {}）", say(elapsed), say(open))
        }
    }
}
