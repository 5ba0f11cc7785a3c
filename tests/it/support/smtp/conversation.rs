//! One connection, from the greeting to its end.

use super::{AtData, Encryption, Offers, Received, Shared};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::Arc,
};

/// The end of a connection, by QUIT or by order.
type Ended = bool;

pub(super) fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut conversation = Conversation {
        shared,
        stream,
        line: BufReader::new(Box::new(stream)),
        is_encrypted: false,
        user: None,
        envelope: None,
    };
    if let Encryption::FromTheStart(certified) = &shared.offers.encryption {
        conversation.encrypt(certified)?;
    }
    conversation.say("220 sink.test ESMTP")?;
    while let Some(line) = conversation.next_line()? {
        if conversation.obey(&line)? {
            break;
        }
    }
    Ok(())
}

struct Conversation<'a> {
    shared: &'a Shared,
    stream: &'a TcpStream,
    /// The stream, or what encrypts it.
    line: BufReader<Box<dyn Line + 'a>>,
    is_encrypted: bool,
    user: Option<String>,
    envelope: Option<Envelope>,
}

trait Line: Read + Write {}

impl<T: Read + Write> Line for T {}

struct Envelope {
    from: String,
    to: Vec<String>,
}

impl Conversation<'_> {
    fn obey(&mut self, line: &str) -> io::Result<Ended> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet(),
            "HELO" => self.start_over("250 sink.test"),
            "STARTTLS" => self.start_tls(),
            "AUTH" => self.log_in(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" => self.data(),
            "RSET" => self.start_over("250 2.0.0 forgotten"),
            "NOOP" => self.say("250 2.0.0 nothing done"),
            "QUIT" => self.say("221 2.0.0 bye").map(|_| true),
            _ => self.say("500 5.5.1 not a command here"),
        }
    }

    fn greet(&mut self) -> io::Result<Ended> {
        let Offers {
            pipelining,
            eight_bit_mime,
            login,
            encryption,
            ..
        } = &self.shared.offers;
        let starts_tls = matches!(encryption, Encryption::OnRequest(_)) && !self.is_encrypted;
        let offered = [
            (*pipelining, "PIPELINING"),
            (*eight_bit_mime, "8BITMIME"),
            (starts_tls, "STARTTLS"),
            (login.is_some(), "AUTH PLAIN LOGIN"),
        ];
        let offered = offered.iter().filter(|(is_offered, _)| *is_offered);
        let lines: String = offered.map(|(_, name)| format!("250-{name}\r\n")).collect();
        self.start_over(&format!("250-sink.test\r\n{lines}250 ENHANCEDSTATUSCODES"))
    }

    fn start_tls(&mut self) -> io::Result<Ended> {
        let offers = &self.shared.offers;
        let Encryption::OnRequest(certified) = &offers.encryption else {
            return self.say("500 5.5.1 not a command here");
        };
        self.say(&offers.go_ahead)?;
        if offers.go_ahead.starts_with("220") {
            self.encrypt(certified)?;
            (self.user, self.envelope) = (None, None);
        }
        Ok(false)
    }

    /// What was read ahead in the clear is forgotten.
    fn encrypt(&mut self, certified: &Arc<ServerConfig>) -> io::Result<()> {
        let session = ServerConnection::new(Arc::clone(certified)).map_err(io::Error::other)?;
        let mut encrypted = StreamOwned::new(session, self.stream);
        encrypted.conn.complete_io(&mut encrypted.sock)?;
        self.line = BufReader::new(Box::new(encrypted));
        self.is_encrypted = true;
        Ok(())
    }

    fn log_in(&mut self, request: &str) -> io::Result<Ended> {
        let Some((user, password)) = self.shared.offers.login.clone() else {
            return self.say("503 5.5.1 no login here");
        };
        let (mechanism, initial) = request.split_once(' ').unwrap_or((request, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if initial.is_empty() {
                    self.ask("334 ")?
                } else {
                    decode(initial)
                };
                // Authorization identity, user, password.
                answer.splitn(3, '\0').skip(1).map(str::to_owned).collect()
            }
            "LOGIN" => {
                let name = if initial.is_empty() {
                    self.ask("334 VXNlcm5hbWU6")?
                } else {
                    decode(initial)
                };
                vec![name, self.ask("334 UGFzc3dvcmQ6")?]
            }
            _ => return self.say("504 5.5.4 PLAIN or LOGIN"),
        };
        if given != [user.as_str(), &password] {
            return self.say("535 5.7.8 user or password is wrong");
        }
        self.user = Some(user);
        self.say("235 2.7.0 welcome")
    }

    fn mail(&mut self, request: &str) -> io::Result<Ended> {
        if self.shared.offers.login.is_some() && self.user.is_none() {
            return self.say("530 5.7.0 log in first");
        }
        let Some((from, parameters)) = address(request, "FROM:") else {
            return self.say("501 5.5.4 MAIL FROM:<address>");
        };
        if parameters.to_ascii_uppercase().contains("BODY=") && !self.shared.offers.eight_bit_mime {
            return self.say("555 5.5.4 8BITMIME was not offered");
        }
        self.envelope = Some(Envelope {
            from,
            to: Vec::new(),
        });
        self.shared.change(|state| state.attempts += 1);
        self.say("250 2.1.0 go on")
    }

    fn recipient(&mut self, request: &str) -> io::Result<Ended> {
        let Some(envelope) = &mut self.envelope else {
            return self.say("503 5.5.1 MAIL comes first");
        };
        let Some((to, _)) = address(request, "TO:") else {
            return self.say("501 5.5.4 RCPT TO:<address>");
        };
        let mut state = self.shared.lock();
        let domain = to.rsplit('@').next().unwrap_or_default();
        if state.silent_for.contains(domain) {
            drop(state);
            return self.falls_silent();
        }
        let refusal = state
            .refuses
            .get(&to)
            .cloned()
            .or_else(|| state.refuses_next.pop_front());
        drop(state);
        match refusal {
            Some(reply) => self.say(&reply),
            None => {
                envelope.to.push(to);
                self.say("250 2.1.5 go on")
            }
        }
    }

    fn data(&mut self) -> io::Result<Ended> {
        let Some(Envelope { from, to }) = self.envelope.take_if(|envelope| !envelope.to.is_empty())
        else {
            if self.shared.offers.always_wants_text {
                self.say("354 end with a dot")?;
                self.read_letter()?;
                return self.say("554 5.5.1 no valid recipients");
            }
            return self.say("503 5.5.1 nobody to send it to");
        };
        let mut state = self.shared.lock();
        let order = state.next_data.pop_front();
        let failure = to
            .iter()
            .find_map(|recipient| state.fails_for.get(recipient).cloned());
        drop(state);

        self.say("354 end with a dot")?;
        if matches!(order, Some(AtData::DropInside)) {
            self.line.read_until(b'\n', &mut Vec::new())?;
            return Ok(true);
        }
        let raw = self.read_letter()?;
        let failure = match &order {
            Some(AtData::Answer(reply)) => Some(reply.clone()),
            _ => failure,
        };
        if let Some(reply) = failure {
            return self.say(&reply);
        }
        let letter = Received {
            from,
            to,
            raw,
            user: self.user.clone(),
        };
        self.shared.change(|state| state.letters.push(letter));
        match order {
            Some(AtData::DropAfter) => Ok(true),
            Some(AtData::Silence) => self.falls_silent(),
            _ => self.say("250 2.0.0 taken"),
        }
    }

    /// Up to the line that is only a dot. A bare line feed ends no line, and so no letter.
    fn read_letter(&mut self) -> io::Result<Vec<u8>> {
        let mut letter = Vec::new();
        loop {
            let start = letter.len();
            let begins_a_line = start == 0 || letter.ends_with(b"\r\n");
            if self.line.read_until(b'\n', &mut letter)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if begins_a_line && letter[start..] == *b".\r\n" {
                letter.truncate(start);
                return Ok(letter);
            }
            if begins_a_line && letter[start] == b'.' {
                letter.remove(start);
            }
        }
    }

    fn start_over(&mut self, reply: &str) -> io::Result<Ended> {
        self.envelope = None;
        self.say(reply)
    }

    /// Until the client goes away.
    fn falls_silent(&mut self) -> io::Result<Ended> {
        io::copy(&mut self.line, &mut io::sink())?;
        Ok(true)
    }

    fn ask(&mut self, question: &str) -> io::Result<String> {
        self.say(question)?;
        Ok(decode(&self.next_line()?.unwrap_or_default()))
    }

    fn say(&mut self, reply: &str) -> io::Result<Ended> {
        let line = self.line.get_mut();
        line.write_all(format!("{reply}\r\n").as_bytes())?;
        line.flush()?;
        Ok(reply.starts_with("421"))
    }

    /// The next line, or `None` when the client closed the connection.
    fn next_line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = self.line.read_line(&mut line)?;
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if length == 0 {
            return Ok(None);
        }
        if !self.is_encrypted {
            let heard = line.clone();
            self.shared.change(|state| state.in_the_clear.push(heard));
        }
        Ok(Some(line))
    }
}

/// `FROM:<address> parameters` taken apart.
fn address<'a>(request: &'a str, word: &str) -> Option<(String, &'a str)> {
    let (given, rest) = request.split_at_checked(word.len())?;
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    given
        .eq_ignore_ascii_case(word)
        .then(|| (address.into(), parameters))
}

fn decode(base64: &str) -> String {
    String::from_utf8(BASE64_STANDARD.decode(base64).unwrap_or_default()).unwrap_or_default()
}
