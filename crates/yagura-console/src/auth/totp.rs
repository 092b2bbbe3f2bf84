//! The second factor: a code of six digits that changes every 30 seconds (RFC 6238), its picture
//! for a phone to read, and recovery codes.
//! Which steps and codes were used is kept by the store.

use std::fmt::Write as _;

use minijinja::value::Value;
use totp_rs::{Builder, Secret as TotpSecret};
use yagura_model::secret::Secret;
use yagura_store::people::{Hash, Person, Totp};

use super::credentials::{self, CredentialFault};
use crate::fault::Fault;
use crate::state::Console;

/// Bytes of a secret, as RFC 4226 (4, R6) recommends.
const SECRET_BYTES: usize = 20;
/// How many recovery codes are given.
const CODES: usize = 10;
/// The letters of recovery codes: 32 that are not mistaken for one another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";

/// A fresh secret in base 32.
pub(crate) fn fresh_secret() -> Result<String, CredentialFault> {
    let bytes = credentials::random::<SECRET_BYTES>()?;
    Ok(TotpSecret::new(Box::new(bytes)).to_base32())
}

/// Whether a text is a secret as [`fresh_secret`] makes them: a form brings it back, and nobody
/// may bring a shorter one.
pub(crate) fn is_ours(secret: &str) -> bool {
    let letter = |letter: u8| letter.is_ascii_uppercase() || (b'2'..=b'7').contains(&letter);
    secret.len() == SECRET_BYTES * 8 / 5 && secret.bytes().all(letter)
}

fn generator(secret: &str, name: &str) -> Option<totp_rs::Totp> {
    let secret = TotpSecret::try_from_base32(secret).ok()?;
    // A colon parts the issuer from the name in the address that phones read.
    let name: String = name.chars().filter(|letter| *letter != ':').collect();
    Builder::new()
        .with_secret(secret)
        .with_account_name(name)
        .with_issuer(Some("Yagura"))
        .build()
        .ok()
}

/// The address that phones read from the picture.
pub(crate) fn address(secret: &str, name: &str) -> Option<String> {
    generator(secret, name)?.to_url().ok()
}

/// The time step whose code this is; none where it is that of no step around `at`.
pub(crate) fn step(secret: &str, code: &str, at: jiff::Timestamp) -> Option<i64> {
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    if code.len() != 6 {
        return None;
    }
    let at = u64::try_from(at.as_second()).ok()?;
    let step = generator(secret, "")?.check(&code, at)?;
    i64::try_from(step).ok()
}

/// Fresh recovery codes and what is kept of them. 50 random bits each: guesses are counted.
pub(crate) fn fresh_codes() -> Result<Vec<(String, Hash)>, CredentialFault> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let bytes = credentials::random::<10>()?;
        let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
        let code: String = bytes.iter().filter_map(letter).collect();
        let (head, tail) = code.split_at_checked(5).unwrap_or((&code, ""));
        codes.push((format!("{head}-{tail}"), code_hash(&code)));
    }
    Ok(codes)
}

/// What is kept of a recovery code, however it is typed.
pub(crate) fn code_hash(code: &str) -> Hash {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    credentials::digest(&format!("recovery {}", plain.to_ascii_lowercase()))
}

/// Keeps the secret of somebody's second factor: sealed where there is a master key.
pub(crate) async fn keep(
    console: &Console,
    person: &Person,
    secret: &str,
) -> Result<Vec<String>, Fault> {
    let codes = fresh_codes().map_err(super::session::unavailable)?;
    let (texts, hashes): (Vec<_>, Vec<_>) = codes.into_iter().unzip();
    let store = console.store();
    let totp = match &console.parts().sign_in.masters {
        Some(masters) => {
            let secrets = store.secrets(masters.clone());
            secrets.set(&person.totp_secret_name(), &Secret::new(secret), console.now()).await?;
            Totp::Sealed
        }
        None => Totp::Plain(secret.to_owned()),
    };
    store.people().set_totp(person.id, Some(&totp), &hashes).await?;
    Ok(texts)
}

/// Takes somebody's second factor away.
pub(crate) async fn drop_of(console: &Console, person: &Person) -> Result<(), Fault> {
    console.store().people().set_totp(person.id, None, &[]).await?;
    console.store().remove_secret(&person.totp_secret_name()).await?;
    Ok(())
}

/// Whether a code is somebody's: of their phone and of a step not used before, or a recovery code
/// that is left.
pub(super) async fn accepts(console: &Console, person: &Person, code: &str) -> Result<bool, Fault> {
    let people = console.store().people();
    let secret = match (&person.totp, &console.parts().sign_in.masters) {
        (None, _) => return Ok(false),
        (Some(Totp::Plain(secret)), _) => Some(Secret::new(secret.clone())),
        (Some(Totp::Sealed), Some(masters)) => {
            let secrets = console.store().secrets(masters.clone());
            secrets.get(&person.totp_secret_name()).await?
        }
        // A recovery code is still one.
        (Some(Totp::Sealed), None) => None,
    };
    let step = secret.and_then(|secret| step(secret.expose(), code, console.now()));
    if let Some(step) = step {
        return Ok(people.take_step(person.id, step).await?);
    }
    Ok(people.take_code(person.id, &code_hash(code)).await?)
}

/// A text as a picture that phones read: `{{ page.address | qr(label) }}`. Black on white in any
/// appearance: phones do not read the inverse.
pub(crate) fn picture(text: &str, label: &str) -> Value {
    let Ok(code) = qrcode::QrCode::new(text.as_bytes()) else { return Value::from("") };
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            // Writing into a String cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", at % width + 4, at / width + 4);
        }
    }
    let size = width + 8;
    let label = crate::layout::templates::escaped(label);
    Value::from_safe_string(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"{label}\" \
         shape-rendering=\"crispEdges\"><rect class=\"light\" width=\"{size}\" height=\"{size}\"/>\
         <path class=\"dark\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_that_of_its_step_and_its_neighbors() {
        // RFC 6238, appendix B: the secret `12345678901234567890`, at 59 seconds: 94287082.
        let secret = TotpSecret::new(Box::new(*b"12345678901234567890")).to_base32();
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        assert_eq!(step(&secret, "287082", at(59)), Some(1));
        assert_eq!(step(&secret, "287 082", at(89)), Some(1), "a step later");
        assert_eq!(step(&secret, "287082", at(90)), None, "two steps later");
        for code in ["", "287083", "94287082", "28708", "abcdef"] {
            assert_eq!(step(&secret, code, at(59)), None, "{code}");
        }
        assert_eq!(step("not base 32 !", "287082", at(59)), None);
    }

    #[test]
    fn a_secret_is_as_long_as_ours_are() {
        assert!(is_ours(&fresh_secret().unwrap()));
        for other in
            ["", "AAAA", &"A".repeat(31), &"A".repeat(33), &"a".repeat(32), &"1".repeat(32)]
        {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn recovery_codes_differ_and_are_read_however_they_are_typed() {
        let codes = fresh_codes().unwrap();
        let texts: std::collections::BTreeSet<_> = codes.iter().map(|(text, _)| text).collect();
        assert_eq!(texts.len(), CODES);
        for (text, hash) in &codes {
            assert_eq!(text.len(), 11, "{text}");
            assert_eq!(code_hash(&text.to_uppercase().replace('-', " ")), *hash);
        }
    }

    #[test]
    fn the_picture_escapes_its_label_and_has_no_style() {
        let secret = fresh_secret().unwrap();
        let address = address(&secret, "aiko:x").unwrap();
        assert!(address.starts_with("otpauth://totp/Yagura:aikox?"), "{address}");
        let svg = picture(&address, "<b>").to_string();
        assert!(svg.contains("aria-label=\"&lt;b&gt;\"") && !svg.contains("style"), "{svg}");
    }
}
