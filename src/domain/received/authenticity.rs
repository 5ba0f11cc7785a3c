//! Whether a mail relay that we trust vouches for a sender (RFC 8601).
//!
//! Anybody can write an Authentication-Results header. Of those that bear the name of a trusted relay only
//! the topmost counts: what the relay itself adds stands above all that came with the message.

use super::super::outbox::domain_of;

/// What one header says, comments taken out.
#[derive(Debug, PartialEq, Eq)]
struct Results {
    relay: String,
    checks: Vec<Check>,
}

/// What one method found out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Check {
    method: String,
    result: String,
    properties: Vec<(String, String)>,
}

impl Check {
    fn property(&self, name: &str) -> Option<&str> {
        let mut properties = self.properties.iter();
        let found = properties.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn passed(&self, method: &str) -> bool {
        self.method == method && self.result == "pass"
    }
}

/// Whether the sender is who it claims to be, by the word of one of those relays.
///
/// `dmarc=pass` for the sender's domain is proof, any other result of DMARC but `none` is none. Without
/// DMARC a signature (`dkim=pass`) or the sending host (`spf=pass`) of the same domain, or of one above or
/// below it, is.
///
/// # Errors
/// Why not, in a sentence.
pub fn proven(headers: &[String], sender: &str, relays: &[String]) -> Result<(), String> {
    if relays.is_empty() {
        return Err("no mail relay is trusted to vouch for senders".to_string());
    }
    let is_trusted = |results: &Results| {
        let mut relays = relays.iter();
        relays.any(|relay| relay.eq_ignore_ascii_case(&results.relay))
    };
    let mut read = headers.iter().filter_map(|header| read(header));
    let Some(results) = read.find(is_trusted) else {
        return Err(format!("{} did not vouch for it", relays.join(" or ")));
    };
    let domain = domain_of(sender).to_ascii_lowercase();
    let relay = &results.relay;
    let of = |method: &'static str| {
        let checks = results.checks.iter();
        checks.filter(move |check| check.method == method)
    };
    let mut judged = of("dmarc")
        .filter(|check| check.result != "none")
        .peekable();
    if judged.peek().is_some() {
        let is_proof = |check: &Check| {
            let about = check.property("header.from").unwrap_or(&domain);
            check.result == "pass" && domain_of(about).eq_ignore_ascii_case(&domain)
        };
        return match judged.find(|check| !is_proof(check)) {
            None => Ok(()),
            Some(check) => Err(format!("{relay} says dmarc={} of it", check.result)),
        };
    }
    let signed = of("dkim").any(|check| {
        let by = check.property("header.d").or(check.property("header.i"));
        check.passed("dkim") && by.is_some_and(|by| aligned(domain_of(by), &domain))
    });
    let sent = of("spf").any(|check| {
        let by = check.property("smtp.mailfrom");
        check.passed("spf") && by.is_some_and(|by| aligned(domain_of(by), &domain))
    });
    if signed || sent {
        Ok(())
    } else {
        Err(format!(
            "{relay} found neither a signature nor a sending host of {domain}"
        ))
    }
}

/// Whether one domain is the other, or lies below it.
fn aligned(one: &str, other: &str) -> bool {
    let below = |low: &str, high: &str| {
        high.contains('.')
            && low
                .strip_suffix(high)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    let one = one.trim_end_matches('.').to_ascii_lowercase();
    let other = other.trim_end_matches('.');
    !one.is_empty() && (one == other || below(&one, other) || below(other, &one))
}

/// Reads the value of one header; nothing where it names no relay.
fn read(header: &str) -> Option<Results> {
    let mut segments = segments(header).into_iter();
    let relay = segments.next()?.into_iter().next()?;
    let mut checks = Vec::new();
    for tokens in segments {
        let mut pairs = tokens.iter().filter_map(|token| token.split_once('='));
        let Some((method, result)) = pairs.next() else {
            continue;
        };
        let method = method.split('/').next().unwrap_or_default();
        checks.push(Check {
            method: method.to_ascii_lowercase(),
            result: result.to_ascii_lowercase(),
            properties: pairs
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_ascii_lowercase()))
                .collect(),
        });
    }
    Some(Results { relay, checks })
}

/// The words between semicolons. Comments are left out; a quoted text, in which nothing divides, is a word
/// or part of one; what is never closed swallows the rest, so that it proves nothing.
fn segments(header: &str) -> Vec<Vec<String>> {
    let mut segments = vec![Vec::new()];
    let mut word = String::new();
    let (mut depth, mut is_quoted, mut is_joined) = (0_u32, false, false);
    let mut letters = header.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if is_quoted || depth > 0 => {
                let escaped = letters.next();
                word.extend(escaped.filter(|_| depth == 0));
            }
            '"' if depth == 0 => is_quoted = !is_quoted,
            _ if is_quoted => word.push(letter),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            ';' => {
                end(&mut segments, &mut word);
                segments.push(Vec::new());
                is_joined = false;
            }
            '=' => {
                // Blanks may stand round it.
                if word.is_empty()
                    && let Some(last) = segments.last_mut().and_then(Vec::pop)
                {
                    word = last;
                }
                // The first of a word divides it; later ones belong to the value.
                is_joined = !word.contains('=');
                word.push('=');
            }
            _ if letter.is_whitespace() => {
                if !is_joined {
                    end(&mut segments, &mut word);
                }
            }
            _ => {
                word.push(letter);
                is_joined = false;
            }
        }
        if is_quoted {
            is_joined = false;
        }
    }
    if !is_quoted && depth == 0 {
        end(&mut segments, &mut word);
    }
    segments
}

fn end(segments: &mut [Vec<String>], word: &mut String) {
    if !word.is_empty()
        && let Some(last) = segments.last_mut()
    {
        last.push(std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESK: &str = "desk@vendor.example";

    fn judged(headers: &[&str]) -> Result<(), String> {
        let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
        proven(&headers, DESK, &["mx.example.com".to_string()])
    }

    #[test]
    fn a_trusted_relay_proves_a_sender_by_dmarc_or_by_an_aligned_signature_or_host() {
        for proof in [
            "mx.example.com; dmarc=pass header.from=vendor.example",
            "MX.example.com 1; dmarc=pass (p=reject dis=none) header.from=Vendor.Example",
            "mx.example.com; spf=fail smtp.mailfrom=x@y.example; dmarc=pass",
            "mx.example.com;\tdkim=pass (2048-bit key) header.d=vendor.example header.s=a",
            "mx.example.com; dkim=fail header.d=other.example; dkim=pass header.i=@vendor.example",
            "mx.example.com; dkim = pass header.d = mail.vendor.example",
            "mx.example.com; dmarc=none header.from=vendor.example; spf=pass smtp.mailfrom=bounce@vendor.example",
        ] {
            assert_eq!(judged(&[proof]), Ok(()), "{proof}");
        }
    }

    #[test]
    fn what_proves_nothing_says_why() {
        for (header, why) in [
            ("", "did not vouch"),
            (
                "mx.evil.example; dmarc=pass header.from=vendor.example",
                "did not vouch",
            ),
            ("mx.example.com.evil.example; dmarc=pass", "did not vouch"),
            ("mx.example.com; none", "neither a signature nor"),
            (
                "mx.example.com; dmarc=fail header.from=vendor.example; dkim=pass header.d=vendor.example",
                "dmarc=fail",
            ),
            (
                "mx.example.com; dmarc=pass header.from=vendor.example; dmarc=fail",
                "dmarc=fail",
            ),
            (
                "mx.example.com; dmarc=pass header.from=other.example",
                "dmarc=pass",
            ),
            (
                "mx.example.com; dkim=pass header.d=other.example",
                "neither a signature nor",
            ),
            (
                "mx.example.com; dkim=pass header.d=example",
                "neither a signature nor",
            ),
            (
                "mx.example.com; dkim=pass header.d=notvendor.example",
                "neither a signature nor",
            ),
            (
                "mx.example.com; spf=pass smtp.helo=vendor.example",
                "neither a signature nor",
            ),
            // What a sender can put into the words of the relay.
            (
                "mx.example.com; spf=pass smtp.mailfrom=\"x; dmarc=pass\"@evil.example",
                "neither a signature nor",
            ),
            (
                "mx.example.com; spf=fail (sender says ; dmarc=pass ) smtp.mailfrom=a@evil.example",
                "neither a signature nor",
            ),
            (
                "mx.example.com; spf=fail (never closed ; dmarc=pass",
                "neither a signature nor",
            ),
            ("mx.example.com (; dmarc=pass", "neither a signature nor"),
        ] {
            let said = judged(&[header]).expect_err(header);
            assert!(said.contains(why), "{header}: {said}");
        }
    }

    #[test]
    fn only_the_topmost_of_the_relay_counts() {
        let good = "mx.example.com; dmarc=pass header.from=vendor.example";
        let bad = "mx.example.com; dmarc=fail header.from=vendor.example";
        assert!(judged(&[bad, good]).is_err());
        assert_eq!(judged(&[good, bad]), Ok(()));
        assert_eq!(judged(&["inner.example.com; spf=none", good]), Ok(()));
        // One that says less hides what a sender wrote below it.
        assert!(judged(&["mx.example.com; spf=none", good]).is_err());
        assert!(proven(&[good.to_string()], DESK, &[]).is_err());
    }
}
