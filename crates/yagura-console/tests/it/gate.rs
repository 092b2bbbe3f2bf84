//! Every route as everybody: what nobody needs a role for is a short list that is read in review.
//! What a route does for whom it lets in is tested with its page.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use yagura_console::{Entrance, Permission, Role, RouteNeed, fresh, hashed, routes};
use yagura_store::people::{NewPerson, NewToken};

use crate::support::{Bench, Browser, Got, NOW};

const PASSWORD: &str = "correct horse battery";

fn line(need: &RouteNeed) -> String {
    let role = need.role.map_or("everybody", Role::as_str);
    let permission = need.permission.map_or("-", Permission::as_str);
    format!("{} {} {role} {permission}", need.method, need.path)
}

fn is_program(path: &str) -> bool {
    path.starts_with("/api/") || path == "/mcp" || path.starts_with("/mcp/")
}

/// A path whose parameters are filled with something.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_routes_that_need_nobody_are_these_alone() {
    let bench = Bench::with(Entrance::SignIn).await;
    let all = routes(&bench.console);
    let open: Vec<_> = all.iter().filter(|need| need.role.is_none()).collect();
    let open: Vec<_> = open.iter().map(|need| format!("{} {}", need.method, need.path)).collect();
    assert_eq!(
        open,
        [
            "GET /assets/{file}",
            "POST /preferences",
            "GET /sign-in",
            "POST /sign-in",
            "GET /sign-in/code",
            "POST /sign-in/code",
            "GET /first",
            "POST /first",
            "GET /sign-in/setup",
            "POST /sign-in/setup",
            "GET /sign-in/provider",
            "GET /sign-in/provider/callback",
            // The document tells how to ask, and nothing of what is kept.
            "GET /api/v1/openapi.json",
        ]
    );
}

#[tokio::test]
async fn nobody_passes_where_a_role_is_needed() {
    let bench = Bench::with(Entrance::SignIn).await;
    for need in routes(&bench.console).iter().filter(|need| need.role.is_some()) {
        let got = ask(&bench, need, None).await;
        let expected =
            if is_program(need.path) { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
        assert_eq!(got.status, expected, "{}", line(need));
        if let Some(place) = got.headers.get(header::LOCATION) {
            assert!(place.to_str().unwrap().starts_with("/sign-in?"), "{}", line(need));
        }
    }
}

async fn ask(bench: &Bench, need: &RouteNeed, authorization: Option<&str>) -> Got {
    let mut request = Request::builder().method(&need.method).uri(filled(need.path));
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    bench.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_lesser_role_is_refused_and_a_sufficient_one_reads() {
    let bench = Bench::with(Entrance::SignIn).await;
    let people = bench.store.people();
    let hash = hashed(PASSWORD).unwrap();
    for role in Role::ALL {
        let new = NewPerson {
            name: format!("a-{role}"),
            subject: None,
            password: Some(hash.clone()),
            role: role.to_string(),
            accounts: None,
        };
        people.add(&new, NOW.parse().unwrap()).await.unwrap().unwrap();
        let mut browser = Browser::new(&bench);
        browser.get("/sign-in").await;
        let fields = [("name", new.name.as_str()), ("password", PASSWORD)];
        assert_eq!(browser.post("/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
        browser.get("/settings/profile").await;
        for need in routes(&bench.console) {
            let Some(least) = need.role else { continue };
            let path = filled(need.path);
            if role < least {
                let got = match need.method {
                    Method::GET => browser.get(&path).await,
                    Method::POST => browser.post(&path, &[]).await,
                    _ => continue,
                };
                assert_eq!(got.status, StatusCode::FORBIDDEN, "{role}: {}", line(&need));
            } else if need.method == Method::GET {
                let got = browser.get(&path).await;
                // There is no lake to be asked, which is said with 503.
                let refused = matches!(got.status.as_u16(), 401 | 403 | 500);
                assert!(!refused, "{role}: {} {}", got.status, line(&need));
            }
        }
    }
}

#[tokio::test]
async fn a_token_passes_only_where_its_purpose_is_named() {
    let bench = Bench::with(Entrance::SignIn).await;
    let token = fresh("yagura_").unwrap();
    let new = NewToken {
        name: "ci".into(),
        hash: token.hash,
        role: "admin".into(),
        accounts: None,
        scopes: ["findings:read".to_owned()].into(),
        created_by: "aiko".into(),
        expires: None,
    };
    bench.store.people().add_token(&new, NOW.parse().unwrap()).await.unwrap().unwrap();
    let bearer = format!("Bearer {}", *token.text);
    for need in routes(&bench.console).iter().filter(|need| need.role.is_some()) {
        let other = need.permission.is_some_and(|one| one != Permission::FindingsRead);
        let is_page = need.permission.is_none() && !is_program(need.path);
        if other || is_page {
            let got = ask(&bench, need, Some(&bearer)).await;
            assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", line(need));
        }
    }
}

#[tokio::test]
async fn the_list_of_routes_is_the_one_that_was_read() {
    let bench = Bench::with(Entrance::SignIn).await;
    let lines: Vec<_> = routes(&bench.console).iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
