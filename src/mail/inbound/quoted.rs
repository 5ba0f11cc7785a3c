//! What somebody wrote, without what they answer: quoted lines, the words that introduce them, the original
//! message below, and the signature.

/// Most lines that the words before a quotation are folded into.
const LONGEST_INTRODUCTION: usize = 3;
/// Among so many lines a repeated head of a message shows itself.
const HEAD_WITHIN: usize = 7;

/// Cuts a text.
pub(super) fn cut(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if is_quoted(line) {
            at += 1;
            continue;
        }
        if let Some(length) = introduction(&lines[at..]) {
            at += length;
            let next = lines[at..].iter().find(|line| !line.trim().is_empty());
            // An answer may stand between or below what it answers.
            if next.is_some_and(|line| is_quoted(line)) {
                continue;
            }
            break;
        }
        if is_end(&lines[at..]) {
            break;
        }
        kept.push(line);
        at += 1;
    }
    tidied(&kept)
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with(['>', '＞'])
}

/// How many lines introduce a quotation: "On … wrote:".
fn introduction(lines: &[&str]) -> Option<usize> {
    let mut joined = String::new();
    for (count, line) in (1..=LONGEST_INTRODUCTION).zip(lines) {
        if line.trim().is_empty() {
            return None;
        }
        joined.push(' ');
        joined.push_str(line.trim());
        let Some(said) = joined.trim().strip_suffix([':', '：']) else {
            continue;
        };
        let said = said.trim_end();
        let introduces = (said.starts_with("On ") && said.ends_with("wrote"))
            || ((said.starts_with("Am ") || said.starts_with("Le "))
                && [" schrieb", " a écrit"]
                    .iter()
                    .any(|verb| said.contains(verb)))
            || said.ends_with("写道")
            || said.ends_with("寫道");
        if introduces && said.chars().count() <= 300 {
            return Some(count);
        }
    }
    None
}

/// Whether the writer's own words end before these lines.
fn is_end(lines: &[&str]) -> bool {
    let line = lines.first().map_or("", |line| line.trim());
    if line == "--" || line == "—" {
        return true;
    }
    let sent_from = ["Sent from my ", "Von meinem ", "发自我的"];
    if sent_from.iter().any(|start| line.starts_with(start)) && line.chars().count() < 60 {
        return true;
    }
    if is_ruled_off(line) || is_head(lines) {
        return true;
    }
    // Outlook draws a line before the head of the original.
    let is_rule = line.len() >= 20 && line.bytes().all(|byte| byte == b'_');
    is_rule && is_head(after_blanks(&lines[1..]))
}

fn after_blanks<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let blank = lines
        .iter()
        .take_while(|line| line.trim().is_empty())
        .count();
    &lines[blank..]
}

/// "-----Original Message-----" in its languages.
fn is_ruled_off(line: &str) -> bool {
    let inner = line.trim_matches(['-', ' ', '\u{a0}']).to_lowercase();
    let words = [
        "original message",
        "ursprüngliche nachricht",
        "weitergeleitete nachricht",
        "forwarded message",
        "message d'origine",
        "原始邮件",
        "原邮件",
        "邮件原件",
        "转发邮件",
        "转发的邮件",
        "原始郵件",
    ];
    line.starts_with("--") && line.ends_with("--") && words.contains(&inner.as_str())
}

/// The head of the original as some programs repeat it: "From: … Sent: … To: … Subject: …".
fn is_head(lines: &[&str]) -> bool {
    const FIRST: [&str; 5] = ["from", "von", "发件人", "寄件者", "de"];
    const OTHERS: [&str; 15] = [
        "sent",
        "date",
        "to",
        "subject",
        "gesendet",
        "datum",
        "an",
        "betreff",
        "发送时间",
        "发送日期",
        "日期",
        "收件人",
        "主题",
        "envoyé",
        "objet",
    ];
    let label = |line: &str| {
        let bare = line.trim().trim_start_matches('*');
        let (label, _) = bare.split_once([':', '：'])?;
        Some(label.trim_end_matches('*').trim().to_lowercase())
    };
    let is_first = lines.first().and_then(|line| label(line));
    if !is_first.is_some_and(|first| FIRST.contains(&first.as_str())) {
        return false;
    }
    let others = lines
        .iter()
        .skip(1)
        .take(HEAD_WITHIN)
        .filter(|line| label(line).is_some_and(|label| OTHERS.contains(&label.as_str())));
    others.count() >= 2
}

/// Without empty lines at both ends, and with at most one between.
fn tidied(lines: &[&str]) -> String {
    let mut tidied = String::new();
    let mut blanks = 0;
    for line in lines {
        if line.trim().is_empty() {
            blanks += 1;
            continue;
        }
        if !tidied.is_empty() {
            tidied.push_str(if blanks > 0 { "\n\n" } else { "\n" });
        }
        blanks = 0;
        tidied.push_str(line);
    }
    tidied.trim().to_string()
}
