//! A letter about an incident in a few lines, for a chat.

use super::letters::{RenderError, one_line};
use super::templates::Templates;
use super::wording;
use crate::domain::letter::{IncidentFacts, LetterFacts, Recipient};
use crate::domain::locale::Locale;
use crate::time::{MINUTE, Moment};

/// A letter in a few lines; nothing in it is written for any one way of showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// One line: the subject of the letter.
    pub title: String,
    /// What is said, by name.
    pub lines: Vec<(String, String)>,
    /// What the link says.
    pub link: String,
    /// Where it leads.
    pub url: String,
    /// Why the title was written by the template that is compiled in, where an organisation has its own.
    pub instead_of: Option<RenderError>,
}

/// Longest text of one line, in characters: chats refuse long messages.
const LONGEST: usize = 240;
/// Names of an audience that are told.
const NAMES: usize = 12;

impl Brief {
    /// A letter in a few lines, as they read at `now`. `also_told` of its facts are those whom the step
    /// names.
    ///
    /// # Errors
    /// When the subject cannot be written.
    pub fn of(
        templates: &Templates,
        facts: &IncidentFacts,
        recipient: &Recipient,
        public_url: &str,
        now: Moment,
    ) -> Result<Self, RenderError> {
        let letter = LetterFacts::Incident(Box::new(facts.clone()));
        let rendered = templates.render(&letter, recipient, public_url, now)?;
        Ok(Self {
            title: rendered.subject,
            lines: lines(facts, recipient, now),
            link: said(recipient.locale, "Open in Redress", "在 Redress 中打开").to_string(),
            url: format!("{public_url}{}", facts.link),
            instead_of: rendered.instead_of,
        })
    }

    /// As plain text.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        for (name, said) in &self.lines {
            text.push_str(&format!("{name}: {said}\n"));
        }
        text.push_str(&format!("{}: {}\n", self.link, self.url));
        text
    }
}

fn said(locale: Locale, english: &'static str, chinese: &'static str) -> &'static str {
    match locale {
        Locale::En => english,
        Locale::ZhCn => chinese,
    }
}

fn lines(facts: &IncidentFacts, recipient: &Recipient, now: Moment) -> Vec<(String, String)> {
    let (locale, zone) = (recipient.locale, recipient.time_zone);
    let moment = |at| wording::moment(at, zone, locale);
    let mut lines = Vec::new();
    let mut add = |english, chinese, text: String| {
        lines.push((
            said(locale, english, chinese).to_string(),
            one_line(&text, LONGEST),
        ));
    };
    if facts.drill {
        let text = said(
            locale,
            "practice only, nothing counts",
            "仅为演练，不计入任何结果",
        );
        add("Drill", "演练", text.to_string());
    }
    let title = format!("{} {}", facts.incident, facts.title);
    add("Incident", "事件", title);
    let severity = match facts.severity_name.as_str() {
        "" => facts.severity.clone(),
        name => format!("{} {name}", facts.severity),
    };
    add("Severity", "严重级别", severity);
    let vendor = match &facts.vendor_reference {
        Some(reference) => format!("{}, {reference}", facts.vendor),
        None => facts.vendor.clone(),
    };
    add("Vendor", "供应商", vendor);
    let contract = match facts.contract_title.as_str() {
        "" => facts.contract.clone(),
        title => format!("{}, {title}", facts.contract),
    };
    add("Contract", "合同", contract);
    for clock in facts.clocks.iter().take(4) {
        let promise = wording::promise(&clock.promise, locale);
        let what = wording::subject_of(clock, locale);
        let promised = match locale {
            Locale::En => format!("{what}, clause {}, {promise}", clock.clause),
            Locale::ZhCn => format!("{what}，第 {} 条，{promise}", clock.clause),
        };
        add("Promise", "承诺", promised);
        if let Some(due) = clock.breached_at.or(clock.due_at) {
            add("Due", "期限", moment(due));
        }
        add("State", "状态", wording::standing(clock, zone, locale));
        let late = wording::lateness(clock.late_open, clock.late_elapsed, locale);
        if wording::is_overdue(clock) && !late.is_empty() {
            add("Late by", "逾期", late);
        }
    }
    if let Some(breach) = &facts.breach {
        add("Breach", "违约记录", breach.clone());
    }
    if let Some(corrected) = &facts.corrected {
        let text = match locale {
            Locale::En => format!("breach {} does not count any more", corrected.breach),
            Locale::ZhCn => format!("违约记录 {} 已撤销", corrected.breach),
        };
        add("Withdrawn", "撤销", text);
    }
    if let Some(remark) = &facts.remark {
        add("Remark", "说明", remark.clone());
    }
    if let Some(step) = &facts.step {
        add("Sent", "发送缘由", wording::trigger(&step.trigger, locale));
    }
    if !facts.missed_steps.is_empty() {
        let steps: Vec<String> = facts
            .missed_steps
            .iter()
            .map(|step| wording::trigger(&step.trigger, locale))
            .collect();
        add("Missed before", "此前未能发出", steps.join("; "));
    }
    if !facts.skipped_steps.is_empty() {
        let steps = facts.skipped_steps.iter();
        let steps: Vec<String> = steps.map(|step| wording::trigger(step, locale)).collect();
        add(
            "Skipped, nobody to tell",
            "无人可通知而跳过",
            steps.join("; "),
        );
    }
    let names: Vec<&str> = facts
        .also_told
        .iter()
        .map(|told| told.name.as_str())
        .collect();
    if !names.is_empty() {
        let mut text = names[..names.len().min(NAMES)].join(", ");
        if names.len() > NAMES {
            text.push_str(&format!(", +{}", names.len() - NAMES));
        }
        add("For", "通知对象", text);
    }
    if now - facts.planned_at > MINUTE {
        add("Meant for", "原定时间", moment(facts.planned_at));
    }
    lines
}
