//! What every page shares: the shell around it, its style and script, headers, templates and what
//! they may call, charts.
//! What stands on a page is in `pages/`.

pub(crate) mod assets;
pub(crate) mod charts;
pub(crate) mod headers;
pub(crate) mod links;
pub(crate) mod preferences;
pub(crate) mod shell;
pub(crate) mod templates;

pub(crate) use shell::{Nav, Shown, page};

use crate::gate::{Need, Routes};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.get("/assets/{file}", Need::Nothing, assets::file).post(
        "/preferences",
        Need::Nothing,
        preferences::choose,
    )
}
