//! Secrets: how they are made, and what of them is kept.
//!
//! Tokens are random, so a fast hash is enough for what is kept of them; passwords are chosen by
//! people, so theirs is slow.

use std::fmt;
use std::sync::OnceLock;

use anyhow::anyhow;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::domain::webhook::SECRET_PREFIX;

/// What API tokens begin with, so that a scanner for leaked secrets can find them.
pub const TOKEN_PREFIX: &str = "rdr_";

/// A random text that is shown once; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 32 random bytes, base64url.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn fresh() -> anyhow::Result<Self> {
        Self::with_prefix("")
    }

    /// A new API token.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn token() -> anyhow::Result<Self> {
        Self::with_prefix(TOKEN_PREFIX)
    }

    /// Somebody sent it.
    pub fn given(text: &str) -> Self {
        Self(text.to_string())
    }

    /// The text itself, to be shown to whom it belongs.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it: SHA-256, hexadecimal.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    fn with_prefix(prefix: &str) -> anyhow::Result<Self> {
        Ok(Self(format!(
            "{prefix}{}",
            URL_SAFE_NO_PAD.encode(random()?)
        )))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// 32 random bytes.
///
/// # Errors
/// When the machine gives no randomness.
pub fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

/// A new secret of Standard Webhooks: `whsec_` and 32 random bytes as base64.
///
/// # Errors
/// When the machine gives no randomness.
pub fn webhook_secret() -> anyhow::Result<String> {
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(random()?)))
}

/// What is kept of a password: an argon2id hash in PHC form. Takes tens of milliseconds.
///
/// # Errors
/// When the machine gives no randomness or memory.
pub fn hash_password(password: &str) -> anyhow::Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| anyhow!("the password could not be hashed: {error}"))
}

/// Whether it is the password that was hashed. Takes as long when there is no hash, so that the time
/// does not tell who has an account.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    match hash {
        Some(hash) => Argon2::default()
            .verify_password(password.as_bytes(), hash)
            .is_ok(),
        None => {
            let nobodys = NOBODYS.get_or_init(|| hash_password("nobody's").unwrap_or_default());
            // Only the time counts.
            let _ = Argon2::default().verify_password(password.as_bytes(), nobodys.as_str());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse batterz", Some(&hash)));
        assert!(!verify_password("nobody's", None));
    }

    #[test]
    fn secrets_differ_and_do_not_show() {
        let (one, other) = (Secret::token().unwrap(), Secret::token().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), "rdr_".len() + 43);
        assert!(!format!("{one:?}").contains(&one.reveal()[4..]));
        assert_eq!(Secret::given(one.reveal()).hash(), one.hash());
    }
}
