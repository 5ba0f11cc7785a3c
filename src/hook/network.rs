//! Which addresses a message may be posted to.
//!
//! Whoever enters a webhook could otherwise have the service knock at doors that only it can reach: its
//! own machine, the network it stands in, the store of keys that clouds keep at a link-local address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, written as `10.0.0.0/8` or as one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address is the same in the forms that IPv6 has for it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, plain(address)) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                masked(base.to_bits().into(), self.bits, 32)
                    == masked(address.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                masked(base.to_bits(), self.bits, 128) == masked(address.to_bits(), self.bits, 128)
            }
            _ => false,
        }
    }
}

fn masked(bits: u128, keep: u8, of: u8) -> u128 {
    match of - keep {
        128 => 0,
        drop => bits >> drop,
    }
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{text}\" is no range of addresses; write 10.0.0.0/8, fd00::/8 or 127.0.0.1")
        };
        let (base, bits) = match text.trim().split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text.trim(), None),
        };
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| wrong())?,
            None => most,
        };
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { base, bits })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

/// Reads ranges with commas between them.
///
/// # Errors
/// When one of them is none.
pub fn networks(text: &str) -> Result<Vec<Network>, String> {
    text.split(',')
        .filter(|part| !part.trim().is_empty())
        .map(str::parse)
        .collect()
}

/// Why nothing is posted to that address; none: it is one of the open internet.
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match plain(address) {
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64, both prefixes),
/// or tunnelled (6to4).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else {
        return address;
    };
    let last_four = || Ipv4Addr::from_bits((six.to_bits() & 0xffff_ffff) as u32);
    let segments = six.segments();
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] => last_four().into(),
        [0, 0, 0, 0, 0xffff, 0, ..] => last_four().into(),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => last_four().into(),
        [0x64, 0xff9b, 1, ..] => last_four().into(),
        [0x2002, high, low, ..] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
        }
        // The unspecified and the loopback address have this form too and are IPv6's own.
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => {
            last_four().into()
        }
        _ => address,
    }
}

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("unspecified"),
        (127, ..) => Some("loopback"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("private"),
        (100, 64..=127, _) => Some("behind a carrier's translation"),
        (169, 254, _) => Some("link-local"),
        (192, 0, 0) => Some("reserved for protocols"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("for documentation"),
        (192, 88, 99) => Some("a relay of 6to4"),
        (198, 18..=19, _) => Some("for measurements"),
        (224..=239, ..) => Some("multicast"),
        (240.., ..) => Some("reserved"),
        _ => None,
    }
}

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0x100, 0, 0, 0, ..] => Some("discarded"),
        [0x2001, 0..=0x1ff, ..] => Some("reserved for protocols"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("for documentation"),
        [0x5f00, ..] => Some("for segment routing"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // All that is given out lies in 2000::/3.
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_addresses_that_is_not_the_open_internet_is_refused() {
        let table = [
            ("0.0.0.0", Some("unspecified")),
            ("0.1.2.3", Some("unspecified")),
            ("127.0.0.1", Some("loopback")),
            ("127.255.255.254", Some("loopback")),
            ("10.0.0.1", Some("private")),
            ("172.15.255.255", None),
            ("172.16.0.0", Some("private")),
            ("172.31.255.255", Some("private")),
            ("172.32.0.0", None),
            ("192.168.1.1", Some("private")),
            ("100.63.255.255", None),
            ("100.64.0.1", Some("behind a carrier's translation")),
            ("100.127.255.255", Some("behind a carrier's translation")),
            ("100.100.100.200", Some("behind a carrier's translation")),
            ("100.128.0.0", None),
            ("169.254.169.254", Some("link-local")),
            ("192.0.0.170", Some("reserved for protocols")),
            ("192.0.2.1", Some("for documentation")),
            ("198.18.0.1", Some("for measurements")),
            ("198.20.0.1", None),
            ("224.0.0.1", Some("multicast")),
            ("239.255.255.250", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("reserved")),
            ("1.1.1.1", None),
            ("93.184.216.34", None),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:169.254.169.254", Some("link-local")),
            ("::ffff:1.1.1.1", None),
            ("::ffff:0:10.0.0.1", Some("private")),
            ("::127.0.0.1", Some("loopback")),
            ("::10.1.2.3", Some("private")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("64:ff9b::a9fe:a9fe", Some("link-local")),
            ("64:ff9b:1::a00:1", Some("private")),
            ("2002:7f00:1::", Some("loopback")),
            ("2002:c0a8:101::1", Some("private")),
            ("2001::1", Some("reserved for protocols")),
            ("2001:db8::1", Some("for documentation")),
            ("fc00::1", Some("private")),
            ("fd00:ec2::254", Some("private")),
            ("fe80::1", Some("link-local")),
            ("fec0::1", Some("site-local")),
            ("ff02::1", Some("multicast")),
            ("100::1", Some("discarded")),
            ("4000::1", Some("reserved")),
            ("2606:4700:4700::1111", None),
            ("2a00:1450::1", None),
        ];
        for (address, expected) in table {
            assert_eq!(refusal(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn ranges_hold_what_lies_in_them_in_every_form() {
        let holds = |range: &str, address: &str| {
            let range: Network = range.parse().unwrap();
            range.contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.0.0.1"), "the same address");
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("0.0.0.0/0", "1.2.3.4") && !holds("0.0.0.0/0", "2606::1"));
        assert!(holds("::/0", "2606::1") && holds("fd00::/8", "fdff::1"));
        assert!(!holds("fd00::/8", "fe00::1"));
        for wrong in ["", "ten", "10.0.0.0/33", "::/129", "10.0.0.0/x", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!(networks("10.0.0.0/8, fd00::/8,").unwrap().len(), 2);
        assert!(networks("10.0.0.0/8, nowhere").is_err());
    }
}
