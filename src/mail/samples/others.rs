//! Samples of reports and of letters about addresses that are refused.

use super::{Sample, at, say};
use crate::domain::anchor::PrintedHead;
use crate::domain::letter::{
    LetterFacts, ReportBreach, ReportFacts, ReportRow, UndeliverableFacts,
};
use crate::domain::locale::Locale;
use crate::domain::words::Metric;
use crate::domain::zone::Zone;
use crate::time::{HOUR, MINUTE};

/// A head of the anchor chain.
pub(super) fn head() -> PrintedHead {
    PrintedHead {
        number: 17,
        at: at(11, 20, 15, 0),
        hash: "3fa912bc88de0a41".repeat(4),
    }
}

/// Reports with and without figures, of one vendor and of all.
pub(super) fn reports(locale: Locale) -> Vec<Sample> {
    let usual = report(locale);
    let sent_at = at(11, 1, 7, 0);
    let sample = |name, title, facts: ReportFacts, sent_at| Sample {
        name,
        title,
        facts: LetterFacts::Report(Box::new(facts)),
        sent_at,
    };
    let breach = usual.breaches[0].clone();
    let all = ReportFacts {
        vendor: None,
        breaches: vec![breach; 120],
        ..usual.clone()
    };
    let empty = ReportFacts {
        rows: Vec::new(),
        breaches: Vec::new(),
        open: 0,
        planned_at: None,
        csv: String::new(),
        anchor: None,
        ..usual.clone()
    };
    vec![
        sample("usual", "As it usually is", usual.clone(), sent_at),
        sample("all", "All vendors, with many breaches", all, sent_at),
        sample("empty", "Nothing was decided", empty, sent_at),
        sample("late", "It goes out late", usual, sent_at + 65 * MINUTE),
    ]
}

fn report(locale: Locale) -> ReportFacts {
    let row = ReportRow {
        contract: "NW-2026".to_string(),
        metric: Metric::Respond,
        severity: "S1".to_string(),
        met: 39,
        missed: 1,
        attainment: Some(0.975),
        low: Some(0.871),
        high: Some(0.9956),
        margin: Some(0.42),
    };
    let without_case = ReportRow {
        metric: Metric::DataLoss,
        met: 0,
        missed: 0,
        attainment: None,
        low: None,
        high: None,
        margin: None,
        ..row.clone()
    };
    let done = ReportBreach {
        reference: "B-17".to_string(),
        incident: "INC-1042".to_string(),
        clause: "5.1".to_string(),
        metric: Metric::Respond,
        severity: "S1".to_string(),
        due_at: at(10, 20, 14, 55),
        stopped_at: Some(at(10, 20, 15, 10)),
        late_open: Some(15 * MINUTE),
        late_elapsed: Some(15 * MINUTE),
    };
    let open = ReportBreach {
        reference: "B-18".to_string(),
        metric: Metric::Restore,
        clause: "5.3".to_string(),
        stopped_at: None,
        late_open: Some(4 * HOUR),
        late_elapsed: Some(20 * HOUR),
        ..done.clone()
    };
    ReportFacts {
        name: say(locale, "monthly", "月度报告"),
        vendor: Some(say(locale, "Northwind Carrier", "北风通信有限公司")),
        from: at(9, 30, 22, 0),
        to: at(10, 31, 23, 0),
        time_zone: Zone(chrono_tz::Europe::Berlin),
        planned_at: Some(at(11, 1, 7, 0)),
        rows: vec![row, without_case],
        breaches: vec![done, open],
        open: 2,
        link: "/report?period=2026-10".to_string(),
        csv: "contract,metric\r\nNW-2026,respond\r\n".to_string(),
        anchor: Some(head()),
    }
}

/// An address of a contact, one that nobody has, and a webhook.
pub(super) fn undeliverable(locale: Locale) -> Vec<Sample> {
    let planned_at = at(11, 20, 15, 41);
    let usual = UndeliverableFacts {
        email: "desk@vendor.example".to_string(),
        name: say(locale, "Service desk", "北风通信服务台"),
        webhook: None,
        refused_at: planned_at,
        answer: "550 5.1.1 <desk@vendor.example>: no such mailbox".to_string(),
        incident: Some("INC-1042".to_string()),
        vendors: vec![say(locale, "Northwind Carrier", "北风通信有限公司")],
        contracts: vec!["NW-2026".to_string(), "NW-2027".to_string()],
        planned_at,
        link: "/vendors/V-1".to_string(),
    };
    let nobody = UndeliverableFacts {
        incident: None,
        vendors: Vec::new(),
        contracts: Vec::new(),
        link: "/letters".to_string(),
        ..usual.clone()
    };
    let webhook = UndeliverableFacts {
        webhook: Some("chat".to_string()),
        vendors: Vec::new(),
        answer: "410 Gone".to_string(),
        link: "/webhooks/1".to_string(),
        ..usual.clone()
    };
    let sample = |name, title, facts: UndeliverableFacts, sent_at| Sample {
        name,
        title,
        facts: LetterFacts::Undeliverable(Box::new(facts)),
        sent_at,
    };
    vec![
        sample("usual", "As it usually is", usual.clone(), planned_at),
        sample("nobody", "Nobody has the address", nobody, planned_at),
        sample("webhook", "A webhook is gone", webhook, planned_at),
        sample("late", "It goes out late", usual, planned_at + HOUR),
    ]
}
