//! What the operator allows to be fetched: public addresses, and what the settings add to them.

use std::net::IpAddr;

use super::address::{Net, Scope, scope};

/// Where fetches may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Private, loopback, link-local and carrier addresses, too. Cloud metadata has to be allowed by its address.
    pub private_addresses: bool,
    /// Addresses that are allowed whatever they are.
    nets: Vec<Net>,
    /// Names, in lower case, that may stand for any address.
    hosts: Vec<String>,
}

impl Policy {
    /// Reads what the operator gave: addresses, blocks of them (`10.0.0.0/8`), and host names.
    ///
    /// # Errors
    ///
    /// Hands back the entry that is none of these.
    pub fn new(private_addresses: bool, allowed: &[String]) -> Result<Policy, String> {
        let mut policy = Policy { private_addresses, ..Policy::default() };
        for entry in allowed.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
            match Net::parse(entry) {
                Some(net) => policy.nets.push(net),
                None if is_host_name(entry) => policy.hosts.push(entry.to_ascii_lowercase()),
                None => return Err(entry.to_owned()),
            }
        }
        Ok(policy)
    }

    /// Whether a connection to this address may be made for the host of that name (or that address as text).
    pub fn allows(&self, host: &str, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let named = self.hosts.iter().any(|allowed| allowed == host.trim_end_matches('.'));
        named
            || self.nets.iter().any(|net| net.contains(ip))
            || match scope(ip) {
                Scope::Public => true,
                Scope::Private => self.private_addresses,
                Scope::Never => false,
            }
    }
}

/// Letters, digits, hyphens and dots, with a letter in its last label: anything else was meant to be an address.
fn is_host_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let last = text.rsplit('.').next().unwrap_or_default();
    text.bytes().all(plain) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(private: bool, list: &[&str], host: &str, ip: &str) -> bool {
        let list: Vec<String> = list.iter().map(|entry| (*entry).to_owned()).collect();
        Policy::new(private, &list).unwrap().allows(host, ip.parse().unwrap())
    }

    #[test]
    fn nothing_private_is_allowed_unasked() {
        for ip in ["127.0.0.1", "::1", "10.1.1.1", "::ffff:10.1.1.1", "169.254.169.254", "0.0.0.0"] {
            assert!(!allows(false, &[], "evil.example", ip), "{ip}");
        }
        assert!(allows(false, &[], "example.com", "93.184.216.34"));
        assert!(allows(true, &[], "nas", "192.168.1.2"));
        assert!(!allows(true, &[], "evil.example", "169.254.169.254"), "metadata is more than private");
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_beside_it() {
        let list = &["10.0.0.0/8", " Nas.Home ", "169.254.169.254", ""];
        assert!(allows(false, list, "a", "10.2.3.4") && allows(false, list, "a", "::ffff:10.2.3.4"));
        assert!(allows(false, list, "nas.home", "192.168.1.2") && allows(false, list, "nas.home.", "192.168.1.2"));
        assert!(!allows(false, list, "not-nas.home", "192.168.1.2"));
        assert!(allows(false, list, "169.254.169.254", "169.254.169.254"));
        assert!(!allows(false, list, "a", "127.0.0.1"));
        let mapped = &["::ffff:10.0.0.1", "::ffff:192.168.0.0/112"];
        assert!(allows(false, mapped, "a", "10.0.0.1") && allows(false, mapped, "a", "::ffff:192.168.7.7"));
        assert!(!allows(false, mapped, "a", "10.0.0.2") && !allows(false, mapped, "a", "172.16.0.1"));
        for broken in ["10.0.0.0/99", "http://nas", "nas:80", "1.2.3"] {
            assert_eq!(Policy::new(false, &[broken.to_owned()]), Err(broken.to_owned()));
        }
    }
}
