//! What behaviours must know of an address, and how places are compared.
//! Where it is known from (lists, GeoIP) is the business of whoever asks.

use std::net::IpAddr;
use std::sync::Arc;

/// What is known of an address. Everything may be unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// ISO 3166-1, two letters.
    pub country: Option<Arc<str>>,
    /// The autonomous system's number.
    pub asn: Option<u32>,
    /// Degrees north and degrees east.
    pub place: Option<(f64, f64)>,
    /// Whether it belongs to a cloud or a proxy, which says nothing about a person's place.
    pub hosting: bool,
}

/// How far apart two places are on a sphere of the earth's mean radius, in kilometres.
pub(super) fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (north_a, north_b) = (a.0.to_radians(), b.0.to_radians());
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let chord = half(b.0 - a.0) + north_a.cos() * north_b.cos() * half(b.1 - a.1);
    2.0 * 6_371.0 * chord.clamp(0.0, 1.0).sqrt().asin()
}

/// The network that stands for an address whose autonomous system is not known: its /24 or /48.
pub(super) fn prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// Whether an address is of a private network, this host or a link: it says nothing of a place,
/// and private ranges mean something else in every VPC.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The product of a user agent: what is before the first `/`, and `browser` for what browsers say.
pub(super) fn user_agent_family(text: &str) -> &str {
    let text = text.trim_start_matches('[');
    let first = text.split([' ', '/', ']']).next().unwrap_or_default();
    match first {
        "Mozilla" | "Opera" => "browser",
        // `aws-sdk-go-v2/1.2 os/linux`, `Boto3/1.34 md/Botocore`, `APN/1.0 HashiCorp/1.0 Terraform`
        "APN" if text.contains("Terraform") => "Terraform",
        "" => text,
        first => first,
    }
}

/// Second-level names under which others register, of the countries that have them. Not the whole
/// public suffix list: a name that is missing here is told one label shorter.
const SECOND_LEVELS: [&str; 8] = ["co", "com", "net", "org", "ac", "go", "gov", "ne"];

/// A domain's last two labels, or three where the second last is one under which others register.
pub(super) fn registered_domain(name: &str) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut starts = name.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second)) = (starts.next(), starts.next()) else { return name };
    let middle = name.get(second + 1..last).unwrap_or_default();
    let country = name.len() - last == 3;
    let cut = if country && SECOND_LEVELS.contains(&middle) { starts.next() } else { Some(second) };
    cut.and_then(|cut| name.get(cut + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let (tokyo, osaka, london) = ((35.68, 139.69), (34.69, 135.50), (51.51, -0.13));
        assert!((distance_km(tokyo, osaka) - 397.0).abs() < 10.0);
        assert!((distance_km(tokyo, london) - 9_560.0).abs() < 50.0);
        assert!(distance_km(tokyo, tokyo).abs() < 0.001);
        assert!((distance_km((0.0, 0.0), (0.0, 180.0)) - 20_015.0).abs() < 1.0);
    }

    #[test]
    fn addresses_without_a_system_stand_for_their_prefix() {
        assert_eq!(prefix("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(prefix("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(prefix("2001:db8:1:2::3".parse().unwrap()), "2001:db8:1::/48");
        for private in ["10.1.2.3", "172.16.0.1", "100.64.0.1", "127.0.0.1", "fe80::1", "fd00::1"] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["203.0.113.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn user_agents_are_told_by_their_product() {
        for (text, family) in [
            ("aws-cli/2.15.0 Python/3.11", "aws-cli"),
            ("[aws-cli/1.16 Python/3.7]", "aws-cli"),
            ("Boto3/1.34.1 md/Botocore#1.34", "Boto3"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.0", "Terraform"),
            ("console.amazonaws.com", "console.amazonaws.com"),
            ("", ""),
        ] {
            assert_eq!(user_agent_family(text), family, "{text}");
        }
    }

    #[test]
    fn domains_are_told_by_what_is_registered() {
        for (name, registered) in [
            ("a.b.example.com", "example.com"),
            ("www.shop.co.jp.", "shop.co.jp"),
            ("shop.co.jp", "shop.co.jp"),
            ("example.jp", "example.jp"),
            ("localhost", "localhost"),
            ("co.uk", "co.uk"),
        ] {
            assert_eq!(registered_domain(name), registered, "{name}");
        }
    }
}
