//! Tokens of programs, as they come in `Authorization: Bearer yagura_…`.
//! Making and taking them back is on the pages of settings and the command line.

use http::HeaderValue;
use yagura_model::finding::Scope;

use super::credentials;
use crate::fault::Fault;
use crate::state::Console;
use crate::viewer::{Means, Viewer};

/// What every token begins with, so that scanners for leaked secrets find it.
pub(crate) const PREFIX: &str = "yagura_";
/// Bytes of a header that are looked at.
const BYTES_MAX: usize = 200;

/// Who comes with a token; nobody where it is none of ours.
pub(super) async fn identify(
    console: &Console,
    header: &HeaderValue,
    nobody: Viewer,
) -> Result<Viewer, Fault> {
    let nobody = Viewer { csrf: String::new(), means: Means::Token, ..nobody };
    let Some(token) = header.to_str().ok().and_then(bearer) else { return Ok(nobody) };
    let hash = credentials::digest(token);
    let Some(token) = console.store().people().of_token(&hash, console.now()).await? else {
        return Ok(nobody);
    };
    let Ok(role) = token.role.parse() else { return Ok(nobody) };
    Ok(Viewer {
        name: format!("token:{}", token.name),
        role: Some(role),
        scope: token.accounts.map_or(Scope::All, Scope::Accounts),
        // A word that this program does not know permits nothing.
        permissions: Some(token.scopes.iter().filter_map(|word| word.parse().ok()).collect()),
        ..nobody
    })
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    let ours = scheme.eq_ignore_ascii_case("bearer")
        && token.starts_with(PREFIX)
        && token.len() <= BYTES_MAX;
    ours.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_of_ours_is_looked_up() {
        assert_eq!(bearer("Bearer yagura_abc"), Some("yagura_abc"));
        assert_eq!(bearer("bearer  yagura_abc "), Some("yagura_abc"));
        for header in ["Basic yagura_abc", "Bearer ghp_abc", "Bearer", "yagura_abc", ""] {
            assert_eq!(bearer(header), None, "{header}");
        }
        assert_eq!(bearer(&format!("Bearer yagura_{}", "x".repeat(300))), None);
    }
}
