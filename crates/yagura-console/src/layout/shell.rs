//! The shell around every page: navigation, who is signed in, language, looks; and the page of a
//! fault.

use axum::response::{Html, IntoResponse};
use http::StatusCode;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;
use yagura_model::Lang;
use yagura_report::words;

use crate::auth::credentials::masked;
use crate::fault::{Answer, Told};
use crate::state::{Console, Entrance};
use crate::viewer::{Role, Viewer};

/// The pages that navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Nav {
    Overview,
    Findings,
    Alerts,
    Resources,
    Controls,
    Accounts,
    Logs,
    Access,
    Cost,
    Routes,
    Settings,
    /// A page that navigation does not name: signing in, a fault.
    None,
}

/// Navigation: page, address, least role.
const NAVIGATION: [(Nav, &str, Role); 11] = [
    (Nav::Overview, "/", Role::Viewer),
    (Nav::Findings, "/findings", Role::Viewer),
    (Nav::Alerts, "/alerts", Role::Viewer),
    (Nav::Resources, "/resources", Role::Viewer),
    (Nav::Controls, "/controls", Role::Viewer),
    (Nav::Accounts, "/accounts", Role::Viewer),
    (Nav::Logs, "/logs", Role::Analyst),
    (Nav::Access, "/access", Role::Viewer),
    (Nav::Cost, "/cost", Role::Viewer),
    (Nav::Routes, "/routes", Role::Viewer),
    (Nav::Settings, "/settings", Role::Viewer),
];

/// What is to be shown.
pub(crate) struct Shown<'a, T> {
    /// The template's file: `findings.html`.
    pub(crate) template: &'a str,
    /// Which part of the navigation it belongs to.
    pub(crate) nav: Nav,
    /// The page's title, in the reader's language.
    pub(crate) title: &'a str,
    /// The page's own path, without the query.
    pub(crate) path: &'a str,
    /// The page's query as it was asked: links that change one member keep the others.
    pub(crate) query: &'a [(String, String)],
    /// What stands on it: `page` in the template.
    pub(crate) page: T,
}

#[derive(Serialize)]
struct Place {
    nav: Nav,
    href: &'static str,
}

/// Writes a page.
pub(crate) fn page<T: Serialize>(
    console: &Console,
    viewer: &Viewer,
    shown: Shown<'_, T>,
) -> Answer {
    Ok(Html(written(console, viewer, shown, console.now())?).into_response())
}

fn written<T: Serialize>(
    console: &Console,
    viewer: &Viewer,
    shown: Shown<'_, T>,
    now: Timestamp,
) -> Result<String, minijinja::Error> {
    let places: Vec<Place> = NAVIGATION
        .iter()
        .filter(|(.., role)| viewer.may(*role))
        .map(|(nav, href, _)| Place { nav: *nav, href })
        .collect();
    let zone = viewer.zone.iana_name().unwrap_or("UTC").to_owned();
    let parts = console.parts();
    let values = context! {
        lang => viewer.lang.code(),
        theme => viewer.theme.as_str(),
        zone => zone,
        now => now.as_microsecond(),
        csrf => masked(&viewer.csrf),
        title => shown.title,
        path => shown.path,
        asked => Value::from(Serde(shown.query)),
        nav => Value::from(Serde(shown.nav)),
        navigation => Value::from(Serde(places)),
        viewer => context! {
            name => &viewer.name,
            role => viewer.role.map(Role::as_str),
            analyst => viewer.may(Role::Analyst),
            responder => viewer.may(Role::Responder),
            admin => viewer.may(Role::Admin),
            signed_in => viewer.role.is_some(),
        },
        open => parts.entrance == Entrance::Open,
        demo => parts.demo,
        version => &parts.version,
        page => Value::from(Serde(shown.page)),
    };
    console.templates().get_template(shown.template)?.render(values)
}

/// Title and text of a fault.
pub(crate) fn fault_words(lang: Lang, told: &Told) -> (String, String) {
    let words = words(lang);
    let title = words.get(&format!("console.fault.{}.title", told.word)).to_owned();
    let text = words.get(&format!("console.fault.{}.text", told.word)).to_owned();
    (title, text)
}

/// The page of a fault. Where even that cannot be written, its bare words.
pub(crate) fn fault_page(
    console: &Console,
    viewer: &Viewer,
    status: StatusCode,
    (title, text): &(String, String),
    detail: Option<&str>,
) -> String {
    #[derive(Serialize)]
    struct Page<'a> {
        status: u16,
        title: &'a str,
        text: &'a str,
        detail: Option<&'a str>,
    }
    let page = Page { status: status.as_u16(), title, text, detail };
    let shown = Shown { template: "fault.html", nav: Nav::None, title, path: "", query: &[], page };
    written(console, viewer, shown, console.now())
        .unwrap_or_else(|_| super::templates::escaped(&format!("{title}: {text}")))
}
