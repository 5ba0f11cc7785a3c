//! Messages as they arrive: read to their end, but no more of them held than may be long enough to count.

use std::io::{self, Read};
use std::panic::catch_unwind;

use sha2::{Digest, Sha256};

use super::mime::LONGEST_HEAD;
use super::{Excess, read, read_head};
use crate::domain::received::{Arrived, MOST_BYTES};
use crate::time::Moment;

/// How much is read at a time.
const PIECE: usize = 64 * 1024;
/// Whoever sends without end is not read to the end.
const MOST_READ: u64 = 1_000_000_000;

/// Takes a message in from whoever hands it over. One that is too long is read on, so that its sender is
/// not cut off in the middle, but of what is read only the head is held.
///
/// # Errors
/// When it cannot be read.
pub fn take_in(mut from: impl Read) -> io::Result<Arrived> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    let mut piece = vec![0; PIECE];
    while size < MOST_READ {
        let count = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let some = &piece[..count];
        hash.update(some);
        size += count as u64;
        if size <= MOST_BYTES {
            bytes.extend_from_slice(some);
        } else if bytes.len() > LONGEST_HEAD {
            bytes.truncate(LONGEST_HEAD);
            bytes.shrink_to_fit();
        }
    }
    let sha256 = hex::encode(hash.finalize());
    if size > MOST_BYTES {
        return Ok(refused(&bytes, size, sha256, Excess::Bytes));
    }
    Ok(whole(bytes, sha256))
}

/// A message that is there whole, as it reached a mailbox at that moment; none: now.
pub fn arrived(bytes: Vec<u8>, received_at: Option<Moment>) -> Arrived {
    let sha256 = hex::encode(Sha256::digest(&bytes));
    Arrived {
        received_at,
        ..whole(bytes, sha256)
    }
}

/// A message that stays in its mailbox, for a reason or since it is too long; of its bytes, which nobody
/// has, the hash is that of what names it there.
pub fn not_fetched(
    identity: &str,
    size: u64,
    reason: Option<&str>,
    received_at: Option<Moment>,
) -> Arrived {
    let sha256 = hex::encode(Sha256::digest(identity.as_bytes()));
    let refused = refused(&[], size, sha256, Excess::Bytes);
    Arrived {
        refused: reason.map(str::to_string).or(refused.refused),
        received_at,
        ..refused
    }
}

fn whole(bytes: Vec<u8>, sha256: String) -> Arrived {
    // What somebody else's program wrote must not end ours, whatever it makes the parser do.
    let told = catch_unwind(|| read(&bytes)).unwrap_or(Err(Excess::Unreadable));
    match told {
        Ok(incoming) => Arrived {
            size: bytes.len() as u64,
            bytes,
            sha256,
            incoming,
            refused: None,
            received_at: None,
        },
        Err(excess) => refused(&bytes, bytes.len() as u64, sha256, excess),
    }
}

fn refused(bytes: &[u8], size: u64, sha256: String, excess: Excess) -> Arrived {
    Arrived {
        bytes: Vec::new(),
        size,
        sha256,
        incoming: catch_unwind(|| read_head(bytes).unwrap_or_default()).unwrap_or_default(),
        refused: Some(excess.to_string()),
        received_at: None,
    }
}
