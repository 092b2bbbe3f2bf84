//! Stage 4, show: the pages and the API of the console, who may see what, and the server of the
//! Model Context Protocol.
//! It never calls AWS and never acts on it: what people decide is written into the store (a
//! finding's life, a job to be run), where respond and the daemon pick it up.
//!
//! | folder | what lives there |
//! | --- | --- |
//! | `gate.rs` | the one way to register a route: with the role that it needs |
//! | `door/` | the address, TLS |
//! | `auth/` | people, sessions, tokens, OpenID Connect |
//! | `layout/` | what every page shares: shell, templates, style, charts |
//! | `pages/` | a file or folder for each page |
//! | `api/` | JSON under `/api/v1` and its OpenAPI document |
//! | `mcp/` | read tools for assistants |

mod api;
mod auth;
mod door;
mod fault;
mod gate;
mod layout;
mod mcp;
mod pages;
mod ports;
mod state;
mod viewer;

pub use auth::{
    CredentialFault, Fresh, Link, OidcSettings, SignIn, digest, first_link, fit_for_password,
    fresh, hashed, setup_link,
};
pub use door::{CertificateFault, CertificateFiles, Door, DoorFault};
pub use gate::{RouteNeed, router, routes};
pub use mcp::{AssistFault, assist};
pub use ports::{
    ActionBook, ActionForm, AskFault, Estimate, LogDesk, Question, RouteGuide, Table, TableShape,
};
pub use state::{Console, Entrance, Parts};
pub use viewer::{Permission, Role};
