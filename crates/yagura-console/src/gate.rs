//! The one way to register a route: with the role that it needs. The gate finds out who asks,
//! turns away who may not, checks that a change came from our own page, and writes down what was
//! changed.
//! How somebody is known is in `auth/`; what routes do is theirs.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{self, MethodRouter};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;
use yagura_report::error_in;

use crate::auth;
use crate::fault::{Fault, Told};
use crate::layout;
use crate::layout::links;
use crate::state::Console;
use crate::viewer::{Means, Permission, Role, Viewer};
use crate::{api, mcp, pages};

/// Bytes of one request at most.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The header in which scripts send what forms carry as `csrf`.
const CSRF_HEADER: &str = "x-csrf-token";

/// Who may come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Everybody: signing in, what every page loads.
    Nothing,
    /// Whoever has this role. A token opens none of our pages so; a route for programs that needs
    /// a role alone is open to every token of that role.
    Role(Role),
    /// Whoever has this role; and a token must have been made for this.
    Scoped(Role, Permission),
}

impl Need {
    fn role(self) -> Option<Role> {
        match self {
            Self::Nothing => None,
            Self::Role(role) | Self::Scoped(role, _) => Some(role),
        }
    }

    fn permission(self) -> Option<Permission> {
        match self {
            Self::Nothing | Self::Role(_) => None,
            Self::Scoped(_, permission) => Some(permission),
        }
    }

    /// Whether somebody of a sufficient role may come through by their means.
    fn admits_means(self, viewer: &Viewer, path: &str) -> bool {
        match self {
            Self::Nothing => true,
            Self::Role(_) => viewer.means != Means::Token || is_program(path),
            Self::Scoped(_, permission) => viewer.permits(permission),
        }
    }
}

/// What a route needs, for the list that is read in review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteNeed {
    /// `GET`.
    pub method: Method,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// The least role; none where everybody may.
    pub role: Option<Role>,
    /// What a token must have been made for.
    pub permission: Option<Permission>,
}

/// Routes under way of being registered.
pub(crate) struct Routes {
    console: Console,
    router: Router<Console>,
    needs: Vec<RouteNeed>,
}

impl Routes {
    /// What reads.
    pub(crate) fn get<H, T>(self, path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.add(Method::GET, path, need, routing::get(handler))
    }

    /// What changes something.
    pub(crate) fn post<H, T>(self, path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.add(Method::POST, path, need, routing::post(handler))
    }

    /// What another method does.
    pub(crate) fn add(
        mut self,
        method: Method,
        path: &'static str,
        need: Need,
        route: MethodRouter<Console>,
    ) -> Self {
        let gate = Gate { console: self.console.clone(), need };
        let route = route.route_layer(middleware::from_fn_with_state(gate, guard));
        self.router = self.router.route(path, route);
        let (role, permission) = (need.role(), need.permission());
        self.needs.push(RouteNeed { method, path, role, permission });
        self
    }
}

fn all(console: &Console) -> Routes {
    let routes = Routes { console: console.clone(), router: Router::new(), needs: Vec::new() };
    let routes = layout::routes(routes);
    let routes = auth::routes(routes);
    let routes = pages::routes(routes);
    let routes = api::routes(routes);
    mcp::routes(routes)
}

/// The whole console as a service.
pub fn router(console: &Console) -> Router {
    let gate = Gate { console: console.clone(), need: Need::Nothing };
    let lost = routing::any(|| async { Fault::NotFound })
        .layer(middleware::from_fn_with_state(gate, guard));
    all(console)
        .router
        .fallback_service(lost.with_state(console.clone()))
        .with_state(console.clone())
        .layer(middleware::map_response_with_state(console.clone(), layout::headers::harden))
        .layer(tower_http::compression::CompressionLayer::new())
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
}

/// All routes with what they need, in their order.
pub fn routes(console: &Console) -> Vec<RouteNeed> {
    all(console).needs
}

#[derive(Clone)]
struct Gate {
    console: Console,
    need: Need,
}

async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Gate { console, need } = gate;
    let (parts, body) = request.into_parts();
    let path = parts.extensions.get::<OriginalUri>().map_or_else(
        || parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        |uri| uri.path_and_query().map_or_else(String::new, ToString::to_string),
    );
    let changes = !(parts.method.is_safe());
    let viewer = match auth::identify(&console, &parts).await {
        Ok(viewer) => viewer,
        Err(fault) => {
            return told(&console, &auth::nobody(&console, &parts), &path, fault.into_response());
        }
    };
    let enough = need.role().is_none_or(|role| viewer.may(role));
    if !enough || !need.admits_means(&viewer, &path) {
        let answer = match viewer.role {
            Some(_) => Fault::Forbidden.into_response(),
            None => sign_in_first(&path, &parts.method),
        };
        // What nobody at all tries is not recorded: anybody could fill the disk with it.
        if changes && viewer.role.is_some() {
            let status = StatusCode::FORBIDDEN;
            auth::audit::record(&console, &viewer, &parts.method, &path, status).await;
        }
        return told(&console, &viewer, &path, answer);
    }
    let method = parts.method.clone();
    let mut request = Request::from_parts(parts, body);
    if changes {
        request = match own(&console, &viewer, request).await {
            Ok(request) => request,
            Err(fault) => return told(&console, &viewer, &path, fault.into_response()),
        };
    }
    request.extensions_mut().insert(viewer.clone());
    let response = if changes {
        changed(&console, &viewer, &method, &path, need, (next, request)).await
    } else {
        next.run(request).await
    };
    told(&console, &viewer, &path, response)
}

/// Does what changes something, and writes it down.
///
/// INVARIANT: nobody escapes the record by going away: what was begun is brought to its end and
/// recorded, whether or not somebody still waits for the answer. What only asks is given up.
async fn changed(
    console: &Console,
    viewer: &Viewer,
    method: &Method,
    path: &str,
    need: Need,
    (next, request): (Next, Request),
) -> Response {
    let (own_console, own_viewer) = (console.clone(), viewer.clone());
    let (method, path) = (method.clone(), path.to_owned());
    let asks = need.permission() == Some(Permission::Query) || path.starts_with("/mcp");
    let doing = async move {
        let response = next.run(request).await;
        let status = response.status();
        auth::audit::record(&own_console, &own_viewer, &method, &path, status).await;
        response
    };
    if asks {
        return doing.await;
    }
    match tokio::spawn(doing).await {
        Ok(response) => response,
        // A defect of ours; the layer above answers for it.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Fault::Unavailable("the console stops".to_owned()).into_response(),
    }
}

/// Checks that what changes something comes from our own page, or from who holds a token.
async fn own(console: &Console, viewer: &Viewer, request: Request) -> Result<Request, Fault> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| Fault::BadRequest("the request is larger than 1 MiB".to_owned()))?;
    if viewer.means != Means::Token {
        // Browsers say where a request comes from; a page elsewhere cannot change that.
        let site = parts.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Err(Fault::Forbidden);
        }
        let header = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        let sent = header.map(str::to_owned).or_else(|| form_field(&parts.headers, &bytes, "csrf"));
        if !auth::csrf_holds(console, viewer, sent.as_deref()) {
            return Err(Fault::Forbidden);
        }
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn form_field(headers: &http::HeaderMap, body: &[u8], name: &str) -> Option<String> {
    let form = "application/x-www-form-urlencoded";
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with(form) {
        return None;
    }
    let pairs: Vec<(String, String)> = serde_html_form::from_bytes(body).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn is_program(path: &str) -> bool {
    path.starts_with("/api/") || path == "/mcp" || path.starts_with("/mcp/")
}

fn sign_in_first(path: &str, method: &Method) -> Response {
    if is_program(path) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let told = Told { word: "sign_in", detail: None };
        let mut response = (StatusCode::UNAUTHORIZED, challenge).into_response();
        response.extensions_mut().insert(told);
        return response;
    }
    // Coming back to a form's target would only show that there is no such page.
    let back = if method == Method::GET { path } else { "/" };
    let back = links::encoded(back);
    Redirect::to(&format!("/sign-in?next={back}")).into_response()
}

/// Gives a fault its page, or its JSON.
fn told(console: &Console, viewer: &Viewer, path: &str, mut response: Response) -> Response {
    let Some(told) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    let status = response.status();
    let text = layout::shell::fault_words(viewer.lang, &told);
    let detail = told.detail.as_deref().map(|detail| error_in(viewer.lang, detail));
    let body = if is_program(path) {
        let problem = json!({
            "type": format!("urn:yagura:problem:{}", told.word),
            "title": text.0,
            "status": status.as_u16(),
            "detail": detail.as_deref().unwrap_or(&text.1),
            "instance": path.split('?').next(),
        });
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        problem.to_string()
    } else {
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        layout::shell::fault_page(console, viewer, status, &text, detail.as_deref())
    };
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
    response
}
