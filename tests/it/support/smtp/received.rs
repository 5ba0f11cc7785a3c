use mail_parser::{Message, MessageParser, PartType};

/// A letter as it was taken.
#[derive(Clone)]
pub struct Received {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients, of those that were accepted.
    pub to: Vec<String>,
    /// Headers and body as sent, with the protocol's doubled dots undone.
    pub raw: Vec<u8>,
    /// The user that logged in to send it.
    pub user: Option<String>,
}

impl Received {
    /// The decoded subject, or nothing.
    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().into()
    }

    /// The decoded text part, if there is one.
    pub fn text(&self) -> Option<String> {
        self.part(|part| match part {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }

    /// The decoded HTML part, if there is one.
    pub fn html(&self) -> Option<String> {
        self.part(|part| match part {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        })
    }

    /// The first header `name` as it was sent, in one line and not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let message = self.parsed();
        let raw = message.header_raw(name)?;
        Some(
            raw.split(['\r', '\n'])
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    fn part(&self, read: impl Fn(&PartType) -> Option<String>) -> Option<String> {
        self.parsed().parts.iter().find_map(|part| read(&part.body))
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default()
            .parse(&self.raw)
            .expect("a letter has at least one header")
    }
}
