//! From where a request comes: the address of the connection, or what a proxy of ours says.
//! What follows from an address is decided elsewhere.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;

use crate::state::Console;

/// The address; empty where it is not known.
///
/// INVARIANT: `X-Forwarded-For` is believed from a proxy of the settings alone, and of its list
/// the last entry that is no such proxy: what stands before was written by whoever asked.
pub(super) fn of(console: &Console, parts: &Parts) -> String {
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
        return String::new();
    };
    let said: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    behind(peer.ip(), &console.parts().proxies, &said).to_string()
}

fn behind(peer: IpAddr, proxies: &[IpAddr], said: &[&str]) -> IpAddr {
    let mut from = peer;
    for one in said.iter().rev() {
        if !proxies.contains(&from) {
            break;
        }
        let Ok(before) = one.trim().parse() else { break };
        from = before;
    }
    from
}

/// What failures are counted by: an IPv6 client has a whole /64 to choose addresses from.
pub(super) fn counted(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(six)) => {
            let [a, b, c, d, ..] = six.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed_and_only_what_they_added() {
        let check = |peer: &str, said: &[&str], expected: &str| {
            let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
            assert_eq!(behind(peer.parse().unwrap(), &proxies, said).to_string(), expected);
        };
        check("192.0.2.9", &["203.0.113.1"], "192.0.2.9");
        check("10.0.0.1", &["203.0.113.1"], "203.0.113.1");
        check("10.0.0.1", &["127.0.0.1", " 203.0.113.1"], "203.0.113.1");
        check("10.0.0.1", &["203.0.113.1", "10.0.0.2"], "203.0.113.1");
        check("10.0.0.1", &["unknown"], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        assert_eq!(counted("2001:db8:1:2::9"), counted("2001:db8:1:2:ffff::1"));
        assert_ne!(counted("2001:db8:1:2::9"), counted("2001:db8:1:3::9"));
        assert_eq!(counted("192.0.2.1"), "192.0.2.1");
    }
}
