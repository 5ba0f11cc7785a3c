//! What an HTML part says, as plain text without what it quotes.

use mail_parser::decoders::html::html_to_text;

/// Elements that begin on a line of their own.
const BLOCKS: [&str; 12] = [
    "div", "p", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "pre",
];

/// Its text; quoted blocks are left out.
pub(super) fn text(html: &str) -> String {
    html_to_text(&prepared(html))
}

/// HTML without quoted blocks, with a line break before and after each block.
fn prepared(html: &str) -> String {
    let mut prepared = String::with_capacity(html.len());
    let mut depth = 0_u32;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        let (tag, after) = tag.split_at(end);
        rest = after;
        if depth == 0 {
            prepared.push_str(before);
        }
        let inner = tag.trim_matches(['<', '>']);
        let (is_end, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let name: String = inner
            .chars()
            .take(12)
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if name == "blockquote" {
            depth = if is_end {
                depth.saturating_sub(1)
            } else {
                depth + 1
            };
            prepared.push_str("<br>");
        } else if depth == 0 {
            prepared.push_str(tag);
            if BLOCKS.contains(&name.as_str()) {
                prepared.push_str("<br>");
            }
        }
    }
    if depth == 0 {
        prepared.push_str(rest);
    }
    prepared
}
