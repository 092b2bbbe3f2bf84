//! Language and looks, as the reader chose them; kept in cookies, so that they hold before anybody
//! has signed in.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::Deserialize;

use crate::fault::Answer;
use crate::state::Console;
use crate::viewer::Theme;

/// The cookie of the language: `en` or `ja`.
pub(crate) const LANG: &str = "yagura-lang";
/// The cookie of the looks: `auto`, `light` or `dark`.
pub(crate) const THEME: &str = "yagura-theme";

#[derive(Deserialize)]
pub(super) struct Choice {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

pub(super) async fn choose(
    State(console): State<Console>,
    mut jar: CookieJar,
    Form(choice): Form<Choice>,
) -> Answer {
    let kept = |name: &'static str, value: String| {
        let mut cookie = Cookie::new(name, value);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_secure(console.is_secure());
        cookie.set_same_site(SameSite::Lax);
        cookie.make_permanent();
        cookie
    };
    if let Some(lang) = choice.lang.filter(|lang| matches!(lang.as_str(), "en" | "ja")) {
        jar = jar.add(kept(LANG, lang));
    }
    if let Some(theme) = choice.theme.as_deref().and_then(Theme::of) {
        jar = jar.add(kept(THEME, theme.as_str().to_owned()));
    }
    Ok((jar, Redirect::to(own_path(&choice.back))).into_response())
}

/// A path of ours to go back to: never an address elsewhere, however it is written.
pub(crate) fn own_path(path: &str) -> &str {
    let ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control);
    if ours { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (path, sent) in [
            ("/findings?state=new", "/findings?state=new"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nset-cookie: b", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(path), sent, "{path}");
        }
    }
}
