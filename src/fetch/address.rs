//! Which addresses a URL in a request may lead to. Pure: no name is looked up here.
//!
//! A server that fetches what strangers name can be made to ask its own neighbours: the database beside it, the router's
//! page, the cloud's service that hands out credentials. So only addresses that anybody on the internet could ask are
//! public; IPv6 addresses that carry an IPv4 address are judged by that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Anybody on the internet could ask it.
    Public,
    /// This machine or its networks: loopback, private, shared by a carrier (CGNAT), link-local.
    Private,
    /// Nothing that serves files: cloud metadata, multicast, unspecified, documentation, reserved.
    Never,
}

/// The special-purpose ranges of IPv4 (the IANA registry of RFC 6890), and two addresses of cloud platforms. The first
/// that matches counts.
const RANGES_V4: &[(Ipv4Addr, u8, Scope)] = &[
    (Ipv4Addr::new(169, 254, 169, 254), 32, Scope::Never), // metadata of most clouds
    (Ipv4Addr::new(169, 254, 170, 0), 23, Scope::Never),   // credentials of AWS containers
    (Ipv4Addr::new(100, 100, 100, 200), 32, Scope::Never), // metadata of Alibaba Cloud
    (Ipv4Addr::new(168, 63, 129, 16), 32, Scope::Never),   // Azure's agent, though a public address
    (Ipv4Addr::new(0, 0, 0, 0), 8, Scope::Never),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Scope::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Scope::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Scope::Private),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Scope::Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Scope::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Scope::Never),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Scope::Never),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Scope::Never),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Scope::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Scope::Never),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Scope::Never),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Scope::Never),
    (Ipv4Addr::new(224, 0, 0, 0), 3, Scope::Never), // multicast, reserved, broadcast
];

/// The special-purpose ranges of IPv6. What is in none of them and not in 2000::/3 is not handed out to anybody.
const RANGES_V6: &[(Ipv6Addr, u8, Scope)] = &[
    (Ipv6Addr::LOCALHOST, 128, Scope::Private),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Scope::Never), // metadata of AWS
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Scope::Never),  // metadata of Google Cloud
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Scope::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Scope::Private),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Scope::Private),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Scope::Never), // protocols; Teredo carries an IPv4 address
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Scope::Never),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Scope::Never),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Scope::Public),
];

/// The well-known prefix of NAT64 (RFC 6052): the last 32 bits are an IPv4 address.
const NAT64: Net = Net { base: IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)), bits: 96 };
/// IPv4-compatible addresses (RFC 4291, deprecated): the last 32 bits again.
const COMPATIBLE: Net = Net { base: IpAddr::V6(Ipv6Addr::UNSPECIFIED), bits: 96 };
/// 6to4 (RFC 3056): bits 16 to 48 are an IPv4 address.
const SIX_TO_FOUR: Net = Net { base: IpAddr::V6(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0)), bits: 16 };

/// A block of addresses, `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    base: IpAddr,
    /// Leading bits that its addresses share.
    bits: u8,
}

impl Net {
    /// Reads `address/bits`, or an address alone.
    pub fn parse(text: &str) -> Option<Net> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().ok()?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.unwrap_or(width);
        // What is compared is an address of IPv4, however it was written.
        match (base.to_canonical(), bits.checked_sub(96)) {
            (IpAddr::V4(plain), Some(bits)) if base.is_ipv6() && bits <= 32 => {
                Some(Net { base: IpAddr::V4(plain), bits })
            }
            _ => (bits <= width).then_some(Net { base, bits }),
        }
    }

    /// Whether the address is in the block. The families are apart: callers bring mapped addresses to IPv4 first.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let same = |width: u32, a: u128, b: u128| {
            let shift = width - u32::from(self.bits);
            self.bits == 0 || a >> shift == b >> shift
        };
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => same(32, base.to_bits().into(), ip.to_bits().into()),
            (IpAddr::V6(base), IpAddr::V6(ip)) => same(128, base.to_bits(), ip.to_bits()),
            _ => false,
        }
    }
}

/// Tells what kind of address it is.
pub fn scope(ip: IpAddr) -> Scope {
    match ip.to_canonical() {
        IpAddr::V4(ip) => first(RANGES_V4, |base| IpAddr::V4(*base), IpAddr::V4(ip)).unwrap_or(Scope::Public),
        IpAddr::V6(ip) => {
            let own = first(RANGES_V6, |base| IpAddr::V6(*base), IpAddr::V6(ip)).unwrap_or(Scope::Never);
            match carried(ip) {
                // ::1 and :: look like IPv4-compatible addresses and are not.
                Some(inner) if own != Scope::Private => scope(IpAddr::V4(inner)),
                _ => own,
            }
        }
    }
}

/// The IPv4 address that a gateway would make of an IPv6 address.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = Ipv4Addr::from_bits((ip.to_bits() & u128::from(u32::MAX)) as u32);
    let address = IpAddr::V6(ip);
    if NAT64.contains(address) || COMPATIBLE.contains(address) {
        return Some(low);
    }
    let high = (ip.to_bits() >> 80) & u128::from(u32::MAX);
    SIX_TO_FOUR.contains(address).then(|| Ipv4Addr::from_bits(high as u32))
}

fn first<A>(ranges: &[(A, u8, Scope)], as_ip: impl Fn(&A) -> IpAddr, ip: IpAddr) -> Option<Scope> {
    let found = ranges.iter().find(|(base, bits, _)| Net { base: as_ip(base), bits: *bits }.contains(ip));
    found.map(|(_, _, scope)| *scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Scope::{Never, Private, Public};

    #[test]
    fn addresses_are_told_apart() {
        for (ip, wanted) in [
            ("8.8.8.8", Public),
            ("93.184.216.34", Public),
            ("100.63.255.255", Public),
            ("100.128.0.0", Public),
            ("172.15.255.255", Public),
            ("172.32.0.0", Public),
            ("192.167.255.255", Public),
            ("223.255.255.255", Public),
            ("2606:4700::1111", Public),
            ("2a00:1450:4001::2004", Public),
            ("10.0.0.1", Private),
            ("10.255.255.255", Private),
            ("127.0.0.1", Private),
            ("127.255.255.254", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("169.254.1.1", Private),
            ("::1", Private),
            ("fc00::1", Private),
            ("fdff::1", Private),
            ("fe80::1", Private),
            ("febf::1", Private),
            ("fec0::1", Private),
            ("169.254.169.254", Never),
            ("169.254.170.2", Never),
            ("169.254.170.23", Never),
            ("100.100.100.200", Never),
            ("168.63.129.16", Never),
            ("fd00:ec2::254", Never),
            ("0.0.0.0", Never),
            ("0.1.2.3", Never),
            ("192.0.0.192", Never),
            ("192.0.2.1", Never),
            ("192.88.99.1", Never),
            ("198.18.0.1", Never),
            ("198.19.255.255", Never),
            ("198.51.100.1", Never),
            ("203.0.113.255", Never),
            ("224.0.0.1", Never),
            ("239.255.255.255", Never),
            ("240.0.0.1", Never),
            ("255.255.255.255", Never),
            ("::", Never),
            ("ff02::1", Never),
            ("2001::1", Never),
            ("2001:db8::1", Never),
            ("3fff::1", Never),
            ("64:ff9b:1::1", Never),
            ("4000::1", Never),
            ("100::1", Never),
            // The same in the clothes of IPv6.
            ("::ffff:127.0.0.1", Private),
            ("::ffff:10.0.0.1", Private),
            ("::ffff:169.254.169.254", Never),
            ("::ffff:8.8.8.8", Public),
            ("::127.0.0.1", Private),
            ("::192.168.0.1", Private),
            ("::169.254.169.254", Never),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::169.254.169.254", Never),
            ("64:ff9b::8.8.8.8", Public),
            ("2002:7f00:1::", Private),
            ("2002:c0a8:101::1", Private),
            ("2002:a9fe:a9fe::1", Never),
            ("2002:808:808::1", Public),
        ] {
            assert_eq!(scope(ip.parse().unwrap()), wanted, "{ip}");
        }
    }

    #[test]
    fn blocks_are_read_and_bounded() {
        let net = |text| Net::parse(text).unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(net("10.0.0.0/8").contains(ip("10.200.1.1")) && !net("10.0.0.0/8").contains(ip("11.0.0.0")));
        assert!(net("127.0.0.1").contains(ip("127.0.0.1")) && !net("127.0.0.1").contains(ip("127.0.0.2")));
        assert!(net("0.0.0.0/0").contains(ip("1.2.3.4")) && !net("0.0.0.0/0").contains(ip("::1")));
        assert!(net("fd00::/8").contains(ip("fd12::1")) && !net("::1").contains(ip("::2")));
        for broken in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "a/8", "10.0.0.0/-1"] {
            assert_eq!(Net::parse(broken), None, "{broken}");
        }
    }
}
