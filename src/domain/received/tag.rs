//! The tag in the address that replies go to: which letter is answered, signed as links are.

use super::super::LetterId;
use super::super::link::LinkKey;

/// What tags are signed over begins with this, so that no other signature of the key is one.
const CONTEXT: &[u8] = b"redress reply 1\0";
/// Length of the signature in a tag, in bytes: a mailbox name has little room.
const SIGNATURE: usize = 16;
/// Longest mailbox name (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// The tag of a letter: its number and a signature, in hexadecimal, since some mail servers change the
/// case of letters.
pub fn seal_tag(key: &LinkKey, letter: LetterId) -> String {
    let number = format!("{:x}", letter.0);
    let signature = key.signature(&signed(letter));
    format!("{number}-{}", hex::encode(&signature[..SIGNATURE]))
}

/// The letter of a tag; nothing when this key did not sign it.
pub fn open_tag(key: &LinkKey, tag: &str) -> Option<LetterId> {
    let (number, signature) = tag.split_once('-')?;
    let letter = LetterId(i64::from_str_radix(number, 16).ok()?);
    let signature = hex::decode(signature).ok()?;
    let right = key.signature(&signed(letter));
    key.is_same(&signature, &right[..SIGNATURE])
        .then_some(letter)
}

fn signed(letter: LetterId) -> Vec<u8> {
    [CONTEXT, &letter.0.to_be_bytes()].concat()
}

/// The address that replies go to, `redress@example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAddress {
    local: String,
    domain: String,
}

impl ReplyAddress {
    /// That address for the replies to one letter, `redress+TAG@example.com`; without a tag where the
    /// mailbox name would become too long.
    pub fn tagged(&self, tag: &str) -> String {
        let Self { local, domain } = self;
        if local.len() + 1 + tag.len() > LONGEST_LOCAL {
            return format!("{local}@{domain}");
        }
        format!("{local}+{tag}@{domain}")
    }

    /// The tag in an address, if it is this one with a tag.
    pub fn tag_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (mailbox, domain) = address.rsplit_once('@')?;
        let (local, tag) = mailbox.split_once('+')?;
        let is_ours =
            local.eq_ignore_ascii_case(&self.local) && domain.eq_ignore_ascii_case(&self.domain);
        is_ours.then_some(tag)
    }
}

impl std::str::FromStr for ReplyAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("\"{text}\" {why}; write redress@example.com"));
        let Some((local, domain)) = text.split_once('@') else {
            return wrong("is not an e-mail address");
        };
        let is_word = |part: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            !part.is_empty() && part.bytes().all(fits)
        };
        if local.contains('+') {
            return wrong("has a tag already, and every letter gets one of its own");
        }
        if !is_word(local) || !is_word(domain) {
            return wrong("is not a plain e-mail address");
        }
        if local.len() > 20 {
            return wrong("leaves no room for a tag: at most 20 characters before the @");
        }
        Ok(Self {
            local: local.to_string(),
            domain: domain.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_its_letter_and_any_other_text_names_none() {
        let key = LinkKey::new(&[7; 32]);
        let address: ReplyAddress = "redress@example.com".parse().unwrap();
        for letter in [1, 817, 5_000_000, i64::MAX].map(LetterId) {
            let tag = seal_tag(&key, letter);
            assert_eq!(open_tag(&key, &tag), Some(letter));
            assert_eq!(open_tag(&key, &tag.to_uppercase()), Some(letter));
            assert_eq!(open_tag(&LinkKey::new(&[8; 32]), &tag), None);
            let tagged = address.tagged(&tag);
            let (local, _) = tagged.split_once('@').unwrap();
            assert!(local.len() <= 64, "{local}");
            assert_eq!(
                address.tag_of(&tagged.to_uppercase()),
                Some(tag.to_uppercase().as_str())
            );
            for place in 0..tag.len() {
                let mut forged = tag.clone().into_bytes();
                forged[place] = if forged[place] == b'0' { b'1' } else { b'0' };
                assert_eq!(
                    open_tag(&key, &String::from_utf8(forged).unwrap()),
                    None,
                    "{place}"
                );
            }
        }
        for wrong in [
            "",
            "-",
            "1-",
            "1-00",
            "x-y",
            "-1-00",
            "ffffffffffffffffff-00",
        ] {
            assert_eq!(open_tag(&key, wrong), None, "{wrong}");
        }
        for other in [
            "redress@example.com",
            "redres+1@example.com",
            "redress+1@example.org",
            "redress",
        ] {
            assert_eq!(address.tag_of(other), None, "{other}");
        }
    }

    #[test]
    fn an_address_that_could_bear_no_tag_is_refused() {
        for wrong in [
            "",
            "redress",
            "a b@example.com",
            "redress+x@example.com",
            "a@",
            "@b",
            "a-very-long-mailbox-name@example.com",
            "Redress <redress@example.com>",
        ] {
            assert!(wrong.parse::<ReplyAddress>().is_err(), "{wrong}");
        }
    }
}
