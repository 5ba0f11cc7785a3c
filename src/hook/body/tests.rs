use serde_json::json;

use super::*;
use crate::time::Moment;

fn message(title: &str) -> Message {
    Message {
        kind: "clock.breached",
        at: Moment::parse("2026-11-20T15:52:00Z").unwrap(),
        brief: Brief {
            title: format!("[INC-1001] {title}"),
            lines: vec![
                ("Incident".into(), format!("INC-1001 {title}")),
                ("For".into(), "Ann, Duty manager".into()),
            ],
            link: "Open in Redress".into(),
            url: "https://redress.example.com/incidents/INC-1001".into(),
            instead_of: None,
        },
        data: json!({"incident": "INC-1001", "title": title}),
    }
}

#[test]
fn a_program_gets_what_happened_with_type_and_time() {
    let body = of(Preset::Standard, Locale::En, &message("Frankfurt"));
    assert_eq!(body["type"], "clock.breached");
    assert_eq!(body["timestamp"], "2026-11-20T15:52:00Z");
    assert_eq!(body["data"]["incident"], "INC-1001");
    let text = body["data"]["text"]["body"].as_str().unwrap();
    assert!(text.contains("For: Ann, Duty manager"), "{text}");
}

#[test]
fn each_chat_gets_the_shape_it_wants() {
    let message = message("Frankfurt is cut off");
    let slack = of(Preset::Slack, Locale::En, &message);
    assert_eq!(slack["text"], "[INC-1001] Frankfurt is cut off");
    assert_eq!(slack["blocks"][0]["type"], "header");
    assert_eq!(
        slack["blocks"][1]["text"],
        json!({"type": "plain_text", "emoji": false,
               "text": "Incident: INC-1001 Frankfurt is cut off\nFor: Ann, Duty manager"})
    );
    assert_eq!(
        slack["blocks"][2]["text"]["text"],
        "<https://redress.example.com/incidents/INC-1001|Open in Redress>"
    );

    let teams = of(Preset::Teams, Locale::En, &message);
    let attached = &teams["attachments"][0];
    assert_eq!(teams["type"], "message");
    assert_eq!(
        attached["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let card = &attached["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    assert_eq!(card["body"].as_array().unwrap().len(), 3);
    assert_eq!(card["actions"][0]["type"], "Action.OpenUrl");

    let feishu = of(Preset::Feishu, Locale::ZhCn, &message);
    assert_eq!(feishu["msg_type"], "post");
    let post = &feishu["content"]["post"]["zh_cn"];
    assert_eq!(post["title"], "[INC-1001] Frankfurt is cut off");
    assert_eq!(post["content"][2][0]["tag"], "a");
    let english = of(Preset::Feishu, Locale::En, &message);
    assert!(english["content"]["post"]["en_us"].is_object());

    let dingtalk = of(Preset::Dingtalk, Locale::En, &message);
    assert_eq!(dingtalk["msgtype"], "markdown");
    assert_eq!(dingtalk["at"], json!({"isAtAll": false}));
    let text = dingtalk["markdown"]["text"].as_str().unwrap();
    assert!(
        text.ends_with("[Open in Redress](https://redress.example.com/incidents/INC-1001)"),
        "{text}"
    );
}

/// Every text of a body that is not one of our own markup.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        Value::Object(all) => all.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

#[test]
fn what_people_typed_pings_nobody_and_hides_no_link() {
    let nasty = "<!channel> <@U123> <https://evil.example|log in> @all <at user_id=\"all\">x</at> \
                 <at>Ann</at> [log in](https://evil.example) **bold** `code` # head";
    for preset in [
        Preset::Slack,
        Preset::Teams,
        Preset::Feishu,
        Preset::Dingtalk,
    ] {
        let body = of(preset, Locale::En, &message(nasty));
        let mut all = Vec::new();
        texts(&body, &mut all);
        let of_people: Vec<&String> = all.iter().filter(|text| text.contains("evil")).collect();
        assert!(!of_people.is_empty(), "{preset}");
        for text in of_people {
            assert!(!text.contains("<!channel>"), "{preset}: {text}");
            assert!(!text.contains("<@"), "{preset}: {text}");
            assert!(!text.contains("<at"), "{preset}: {text}");
            assert!(!text.contains("<https"), "{preset}: {text}");
            if preset == Preset::Dingtalk {
                let ours = text.replace("[Open in Redress](https://redress", "");
                for sign in ['@', '[', ']', '*', '`', '<'] {
                    assert!(!ours.contains(sign), "{sign} in {ours}");
                }
                assert_eq!(
                    ours.matches("# ").count(),
                    usize::from(ours.starts_with("####"))
                );
            }
        }
    }
    // Where markup could be read it is our own alone: runs of Teams and elements of Feishu know none.
    let teams = of(Preset::Teams, Locale::En, &message(nasty)).to_string();
    assert!(!teams.contains(r#""type":"TextBlock""#) && !teams.contains("entities"));
    let feishu = of(Preset::Feishu, Locale::En, &message(nasty)).to_string();
    assert!(!feishu.contains(r#""tag":"at""#) && !feishu.contains(r#""tag":"md""#));
}

#[test]
fn a_long_title_fits_the_header_of_slack_when_it_is_escaped() {
    let slack = of(Preset::Slack, Locale::En, &message(&"&<".repeat(90)));
    let header = slack["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(header.chars().count() <= SLACK_HEADER, "{header}");
    assert!(header.ends_with('…'), "{header}");
}
