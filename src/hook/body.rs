//! How a message looks to each kind of other side. Nothing that people typed may ping anybody, hide a link
//! or pass for our own words.

use serde_json::{Value, json};

use super::message::Message;
use crate::domain::locale::Locale;
use crate::domain::webhook::Preset;
use crate::mail::brief::Brief;

/// The body as JSON, not signed yet.
pub fn of(preset: Preset, locale: Locale, message: &Message) -> Value {
    let brief = &message.brief;
    match preset {
        Preset::Standard => json!({
            "type": message.kind, "timestamp": message.at,
            "data": with_text(&message.data, brief),
        }),
        Preset::Slack => slack(brief),
        Preset::Teams => teams(brief),
        Preset::Feishu => feishu(brief, locale),
        Preset::Dingtalk => dingtalk(brief),
    }
}

fn with_text(data: &Value, brief: &Brief) -> Value {
    let mut data = data.clone();
    data["text"] = json!({"title": brief.title, "body": brief.text()});
    data
}

/// Longest text of a header block, in characters.
const SLACK_HEADER: usize = 150;

/// Plain text blocks, in which stars and underlines are what they are, and `text` for notifications.
fn slack(brief: &Brief) -> Value {
    let plain = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
    let lines: Vec<String> = brief
        .lines
        .iter()
        .map(|(name, said)| format!("{name}: {}", for_slack(said)))
        .collect();
    json!({
        // Without these Slack looks for names of people and channels in it.
        "text": for_slack(&brief.title), "mrkdwn": false, "link_names": false, "parse": "none",
        "unfurl_links": false,
        "blocks": [
            {"type": "header", "text": plain(for_slack(&shortened(&brief.title, SLACK_HEADER)))},
            {"type": "section", "text": plain(lines.join("\n"))},
            {"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                "text": format!("<{}|{}>", for_slack(&brief.url), for_slack(&brief.link))}},
        ],
    })
}

/// `<!channel>`, `<@U123>` and `<https://…|words>` are markup; these three signs are all it is made of.
fn for_slack(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

fn shortened(text: &str, longest: usize) -> String {
    // Escaping makes one sign up to five.
    let mut length = 0;
    let fits = |sign: &char| {
        length += match sign {
            '&' => 5,
            '<' | '>' => 4,
            _ => 1,
        };
        length < longest
    };
    let kept: String = text.chars().take_while(fits).collect();
    if kept.len() == text.len() {
        kept
    } else {
        format!("{kept}…")
    }
}

/// Text runs know no markup, which text blocks do.
fn teams(brief: &Brief) -> Value {
    let run = |text: &str, bold: bool| {
        let weight = if bold { "Bolder" } else { "Default" };
        json!({"type": "TextRun", "text": text, "weight": weight})
    };
    let mut title = run(&for_teams(&brief.title), true);
    title["size"] = json!("Medium");
    let mut blocks = vec![json!({"type": "RichTextBlock", "inlines": [title]})];
    for (name, said) in &brief.lines {
        let inlines = [
            run(&format!("{name}: "), true),
            run(&for_teams(said), false),
        ];
        blocks.push(json!({"type": "RichTextBlock", "spacing": "Small", "inlines": inlines}));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": blocks,
                "actions": [{"type": "Action.OpenUrl", "title": brief.link, "url": brief.url}],
            },
        }],
    })
}

/// A mention is `<at>…</at>` with an entity of that name. We send none, so the words alone ping nobody;
/// nor shall they look as if they did.
fn for_teams(text: &str) -> String {
    without_at_tags(text)
}

/// Rich text, whose text elements know no markup.
fn feishu(brief: &Brief, locale: Locale) -> Value {
    let mut content: Vec<Value> = brief
        .lines
        .iter()
        .map(|(name, said)| {
            json!([{"tag": "text", "text": format!("{name}: {}", without_at_tags(said))}])
        })
        .collect();
    content.push(json!([{"tag": "a", "text": brief.link, "href": brief.url}]));
    let language = match locale {
        Locale::En => "en_us",
        Locale::ZhCn => "zh_cn",
    };
    let post = json!({"title": without_at_tags(&brief.title), "content": content});
    json!({"msg_type": "post", "content": {"post": {language: post}}})
}

fn without_at_tags(text: &str) -> String {
    text.replace('<', "＜").replace('>', "＞")
}

/// Markdown, for which the robot has no escape: signs that make it up are replaced by their wide forms.
fn dingtalk(brief: &Brief) -> Value {
    let mut text = format!("#### {}\n\n", for_dingtalk(&brief.title));
    for (name, said) in &brief.lines {
        text.push_str(&format!("{name}: {}\n\n", for_dingtalk(said)));
    }
    text.push_str(&format!("[{}]({})", brief.link, brief.url));
    json!({
        "msgtype": "markdown",
        "markdown": {"title": for_dingtalk(&brief.title), "text": text},
        "at": {"isAtAll": false},
    })
}

fn for_dingtalk(text: &str) -> String {
    let wide = |sign: char| match sign {
        '\\' | '`' | '*' | '_' | '~' | '#' | '<' | '>' | '[' | ']' | '|' | '@' => {
            // The wide forms stand in the same order as the signs of ASCII.
            char::from_u32(u32::from(sign) + 0xfee0).unwrap_or(' ')
        }
        sign => sign,
    };
    text.chars().map(wide).collect()
}

#[cfg(test)]
mod tests;
