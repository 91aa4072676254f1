//! A secret sealed by words: how it travels in the note of an archive. The programs that make such
//! notes do the same with what is in every browser: PBKDF2 and AES-GCM.

use std::num::NonZeroU32;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::pbkdf2;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the field recommends for PBKDF2 with SHA-256: half a second for whoever guesses, each time.
const ROUNDS: u32 = 600_000;
/// What is still done for an archive from elsewhere.
const ROUNDS_MAX: u32 = 5_000_000;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;
/// Says what was sealed.
const CONTEXT: &[u8] = b"town secret";
/// Fewer are guessed, whatever the rounds.
pub const PASSPHRASE_LENGTH_MIN: usize = 12;

/// What a note has of it.
#[derive(Serialize, Deserialize)]
struct Note {
    secret: Sealed,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    rounds: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// The note for an archive whose town has that secret.
pub fn seal(secret: &str, passphrase: &str) -> Option<String> {
    let salt: [u8; SALT_BYTES] = rand::random();
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let mut sealed = secret.as_bytes().to_vec();
    let key = key(passphrase, &salt, ROUNDS)?;
    let context = Aad::from(CONTEXT);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), context, &mut sealed)
        .ok()?;
    let text = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let secret = Sealed {
        rounds: ROUNDS,
        salt: text(&salt),
        nonce: text(&nonce),
        sealed: text(&sealed),
    };
    serde_json::to_string(&Note { secret }).ok()
}

/// Whether a note has a secret in it.
pub fn is_in(note: &str) -> bool {
    serde_json::from_str::<Value>(note).is_ok_and(|note| note["secret"].is_object())
}

/// The secret in a note; none where the words are others, or it has none.
pub fn open(note: &str, passphrase: &str) -> Option<String> {
    let Note { secret } = serde_json::from_str(note).ok()?;
    let bytes = |text: &str| base64_simd::STANDARD.decode_to_vec(text).ok();
    let nonce: [u8; NONCE_BYTES] = bytes(&secret.nonce)?.try_into().ok()?;
    let mut sealed = bytes(&secret.sealed)?;
    let rounds = secret.rounds.min(ROUNDS_MAX);
    let key = key(passphrase, &bytes(&secret.salt)?, rounds)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = key.open_in_place(nonce, Aad::from(CONTEXT), &mut sealed);
    String::from_utf8(opened.ok()?.to_vec()).ok()
}

fn key(passphrase: &str, salt: &[u8], rounds: u32) -> Option<LessSafeKey> {
    let mut key = [0; KEY_BYTES];
    let rounds = NonZeroU32::new(rounds)?;
    let words = passphrase.as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, words, &mut key);
    UnboundKey::new(&AES_256_GCM, &key)
        .ok()
        .map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_words_and_no_others() {
        let note = seal("the secret", "correct horse battery").expect("sealed");
        assert!(is_in(&note) && !note.contains("the secret"), "{note}");
        let opened = open(&note, "correct horse battery");
        assert_eq!(opened.as_deref(), Some("the secret"));
        assert_eq!(open(&note, "correct horse batterz"), None);
        assert_eq!(open("{}", "correct horse battery"), None);
        let endless = note.replace("600000", "4000000000");
        assert_eq!(open(&endless, "correct horse battery"), None);
    }
}
