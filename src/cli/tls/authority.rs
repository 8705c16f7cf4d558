//! A certificate authority that can vouch for a few names only, and the certificates it issues.

use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Datelike, Days, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use crate::error::{Error, Result};
use crate::model::time::Millis;

/// How long an authority is good for: changing it means going round all clients.
const AUTHORITY_DAYS: u64 = 3650;
/// How long a certificate is good for: Apple's systems accept no more than 825 days, whoever issued it.
const CERTIFICATE_DAYS: u64 = 820;
/// Clocks of clients may be behind.
const BEHIND_DAYS: u64 = 1;
/// Longest host name, in characters; the limit of DNS.
const NAME_CHARS_MAX: usize = 253;

/// Who a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A host name in lower case, perhaps with `*.` in front.
    Host(String),
    Address(IpAddr),
}

/// A certificate and its key, as PEM.
pub struct Pair {
    pub cert: String,
    pub key: String,
    pub ends: Millis,
}

/// Issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// `None` when it may vouch for anybody, as one made by another program.
    permitted: Option<Vec<Permitted>>,
    ends: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Permitted {
    /// This name and all below it.
    Host(String),
    /// Network and mask.
    Address(Vec<u8>),
}

impl Name {
    /// A host name or an IP address; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Name> {
        if let Ok(address) = text.parse() {
            return Some(Name::Address(address));
        }
        let host = text.to_ascii_lowercase();
        let labels = host.strip_prefix("*.").unwrap_or(&host);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        (host.len() <= NAME_CHARS_MAX && labels.split('.').all(is_label)).then_some(Name::Host(host))
    }

    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Name::Host(_) => None,
            Name::Address(address) => Some(*address),
        }
    }

    fn subject(&self) -> Result<SanType> {
        Ok(match self {
            Name::Host(host) => SanType::DnsName(host.as_str().try_into().map_err(setup)?),
            Name::Address(address) => SanType::IpAddress(*address),
        })
    }

    fn subtree(&self) -> GeneralSubtree {
        match self {
            Name::Host(host) => GeneralSubtree::DnsName(host.strip_prefix("*.").unwrap_or(host).to_owned()),
            Name::Address(address) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits))
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Host(host) => f.write_str(host),
            Name::Address(address) => write!(f, "{address}"),
        }
    }
}

impl Authority {
    /// Makes an authority that clients believe for these names only: should its key be stolen, the thief cannot pass for
    /// anybody else.
    pub fn make(names: &[Name], now: Millis) -> Result<(Authority, Pair)> {
        let mut params = CertificateParams::default();
        let today = date(now);
        params.distinguished_name.push(DnType::CommonName, format!("Calotype private CA {}", today.format("%Y-%m-%d")));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.iter().map(Name::subtree).collect(),
            excluded_subtrees: Vec::new(),
        });
        let ends = valid(&mut params, now, AUTHORITY_DAYS);
        let key = KeyPair::generate().map_err(setup)?;
        let cert = params.self_signed(&key).map_err(setup)?;
        let pair = Pair { cert: cert.pem(), key: key.serialize_pem(), ends };
        Ok((Authority::read(&pair.cert, &pair.key)?, pair))
    }

    /// An authority from its certificate and key, as PEM.
    pub fn read(cert: &str, key: &str) -> Result<Authority> {
        let wrong = |what: &str| Error::Setup(format!("not the certificate of an authority: {what}"));
        let (_, pem) = parse_x509_pem(cert.as_bytes()).map_err(|error| wrong(&error.to_string()))?;
        let parsed = pem.parse_x509().map_err(|error| wrong(&error.to_string()))?;
        if !parsed.is_ca() {
            return Err(wrong("it may not issue certificates"));
        }
        let key = KeyPair::from_pem(key).map_err(|error| wrong(&format!("its key cannot be read: {error}")))?;
        if key.public_key_raw() != &*parsed.public_key().subject_public_key.data {
            return Err(wrong("the key is not its own"));
        }
        let constraints = parsed.name_constraints().map_err(|error| wrong(&error.to_string()))?;
        let subtrees = constraints.and_then(|found| found.value.permitted_subtrees.as_ref());
        let permitted =
            subtrees.map(|subtrees| subtrees.iter().filter_map(|subtree| permitted(&subtree.base)).collect());
        let ends = Millis(parsed.validity().not_after.timestamp().saturating_mul(1000));
        Ok(Authority { issuer: Issuer::from_ca_cert_pem(cert, key).map_err(setup)?, permitted, ends })
    }

    /// Fails with the first name that it may not vouch for.
    pub fn check_covers<'a>(&self, names: &'a [Name]) -> Result<(), &'a Name> {
        let Some(permitted) = &self.permitted else { return Ok(()) };
        match names.iter().find(|name| !permitted.iter().any(|entry| entry.covers(name))) {
            Some(name) => Err(name),
            None => Ok(()),
        }
    }

    /// A certificate for these names, with a new key; it does not outlive the authority.
    pub fn issue(&self, names: &[Name], now: Millis) -> Result<Pair> {
        if self.ends < now {
            return Err(Error::Setup(format!(
                "the authority has run out on {}; make another one in a new --dir",
                &self.ends.to_string()[..10]
            )));
        }
        let mut params = CertificateParams::default();
        // No host name here: old clients would compare it, and it has a limit of 64 characters.
        params.distinguished_name.push(DnType::CommonName, "Calotype server");
        params.subject_alt_names = names.iter().map(Name::subject).collect::<Result<_>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let left_days = (self.ends.0 - now.0).max(0).cast_unsigned() / 86_400_000;
        let ends = valid(&mut params, now, CERTIFICATE_DAYS.min(left_days));
        let key = KeyPair::generate().map_err(setup)?;
        let cert = params.signed_by(&key, &self.issuer).map_err(setup)?;
        Ok(Pair { cert: cert.pem(), key: key.serialize_pem(), ends })
    }
}

impl Permitted {
    fn covers(&self, name: &Name) -> bool {
        match (self, name) {
            (Permitted::Host(base), Name::Host(host)) => {
                let host = host.strip_prefix("*.").unwrap_or(host);
                host == base || host.strip_suffix(base.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
            (Permitted::Address(network), Name::Address(address)) => {
                let bytes = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                let (base, mask) = network.split_at(network.len() / 2);
                base.len() == bytes.len()
                    && bytes.iter().zip(base).zip(mask).all(|((byte, base), mask)| byte & mask == base & mask)
            }
            _ => false,
        }
    }
}

fn permitted(base: &GeneralName<'_>) -> Option<Permitted> {
    match base {
        GeneralName::DNSName(host) => Some(Permitted::Host(host.to_ascii_lowercase())),
        GeneralName::IPAddress(network) => Some(Permitted::Address(network.to_vec())),
        _ => None,
    }
}

/// Makes a certificate valid from yesterday for so many days; when it ends.
fn valid(params: &mut CertificateParams, now: Millis, days: u64) -> Millis {
    let today = date(now);
    let from = today.checked_sub_days(Days::new(BEHIND_DAYS)).unwrap_or(today);
    let until = today.checked_add_days(Days::new(days)).unwrap_or(today);
    let ((from_year, from_month, from_day), (year, month, day)) = (ymd(from), ymd(until));
    params.not_before = date_time_ymd(from_year, from_month, from_day);
    params.not_after = date_time_ymd(year, month, day);
    Millis(until.timestamp_millis() / 86_400_000 * 86_400_000)
}

fn date(now: Millis) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.0).unwrap_or_default()
}

/// Year, month and day, as rcgen takes them.
fn ymd(day: DateTime<Utc>) -> (i32, u8, u8) {
    (day.year(), u8::try_from(day.month()).unwrap_or(1), u8::try_from(day.day()).unwrap_or(1))
}

fn setup(error: impl fmt::Display) -> Error {
    Error::Setup(format!("a certificate could not be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn all(names: &[&str]) -> Vec<Name> {
        names.iter().map(|name| Name::parse(name).unwrap()).collect()
    }

    #[test]
    fn names_are_hosts_or_addresses() {
        assert_eq!(Name::parse("Media.Example.com"), Some(Name::Host("media.example.com".into())));
        assert_eq!(Name::parse("*.example.com"), Some(Name::Host("*.example.com".into())));
        assert_eq!(Name::parse("::1").unwrap().to_string(), "::1");
        for wrong in ["", "a b", "-a.com", "a..b", "https://a.com", "a/b", "ä.com", "*.*.com", "a_b.com"] {
            assert_eq!(Name::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_authority_vouches_for_its_names_and_no_others() {
        let names = all(&["media.example.com", "192.0.2.7", "::1"]);
        let (_, pair) = Authority::make(&names, NOW).unwrap();
        let authority = Authority::read(&pair.cert, &pair.key).unwrap();
        assert_eq!(authority.check_covers(&names), Ok(()));
        assert_eq!(authority.check_covers(&all(&["a.media.example.com"])), Ok(()), "names below are covered too");
        for other in ["example.com", "xmedia.example.com", "192.0.2.8", "::2"] {
            let names = all(&[other]);
            assert_eq!(authority.check_covers(&names), Err(&names[0]), "{other}");
        }
    }

    #[test]
    fn certificates_end_in_time() {
        let names = all(&["localhost"]);
        let (authority, pair) = Authority::make(&names, NOW).unwrap();
        let days = |from: Millis, to: Millis| (to.0 - from.0) / 86_400_000;
        assert_eq!(days(NOW, pair.ends), 3649);
        assert!((818..=820).contains(&days(NOW, authority.issue(&names, NOW).unwrap().ends)));
        let late = Millis(NOW.0 + 3600 * 86_400_000);
        assert!(authority.issue(&names, late).unwrap().ends <= pair.ends, "none outlives its authority");
        assert!(authority.issue(&names, Millis(pair.ends.0 + 1)).is_err());
    }

    #[test]
    fn another_authoritys_key_is_refused() {
        let names = all(&["localhost"]);
        let (_, one) = Authority::make(&names, NOW).unwrap();
        let (authority, two) = Authority::make(&names, NOW).unwrap();
        assert!(Authority::read(&one.cert, &two.key).is_err());
        let server = authority.issue(&names, NOW).unwrap();
        assert!(Authority::read(&server.cert, &server.key).is_err(), "a server's certificate is no authority's");
    }
}
