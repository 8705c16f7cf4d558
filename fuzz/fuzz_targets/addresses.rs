//! Which addresses may be fetched. The input is sixteen bytes of an address, and text with what an operator allows.
//!
//! Whatever the standard library or a gateway would take for an address within our own walls is not public.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use calotype::fetch::Policy;
use calotype::fetch::address::{Net, Scope, scope};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((bytes, listed)) = data.split_first_chunk::<16>() else { return };
    let v6 = Ipv6Addr::from(*bytes);
    let [a, b, c, d, ..] = *bytes;
    let v4 = Ipv4Addr::new(a, b, c, d);
    judge_v4(v4);
    judge_v6(v6);
    judge_list(&String::from_utf8_lossy(listed), [v4.into(), v6.into()]);
});

fn judge_v4(ip: Ipv4Addr) {
    let found = scope(ip.into());
    let special = ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || ip.is_documentation();
    if special {
        assert_eq!(found, Scope::Never, "{ip}");
    }
    if ip.is_loopback() || ip.is_private() || ip.is_link_local() {
        assert_ne!(found, Scope::Public, "{ip}");
    }
    // However an address of IPv4 is dressed up, it does not get further than it would get plainly.
    let [a, b, c, d] = ip.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    for dressed in [
        ip.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
    ] {
        // `::` and `::1` are not addresses of IPv4 in another form.
        if !dressed.is_unspecified() && !dressed.is_loopback() {
            assert_eq!(scope(dressed.into()), found, "{dressed} for {ip}");
        }
    }
}

fn judge_v6(ip: Ipv6Addr) {
    let found = scope(ip.into());
    let local = ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
    if local || ip.is_multicast() || ip.is_unspecified() {
        assert_ne!(found, Scope::Public, "{ip}");
    }
    // Everything that is public is handed out, or stands for an address of IPv4 that is.
    if found == Scope::Public {
        let first = ip.segments()[0];
        assert!((0x2000..0x4000).contains(&first) || first == 0x64 || ip.segments()[..5] == [0; 5], "{ip}");
    }
}

/// What an operator lists is allowed, and what is not listed is judged by its scope alone.
fn judge_list(listed: &str, addresses: [IpAddr; 2]) {
    let entries: Vec<String> = listed.split('\n').map(str::to_owned).collect();
    for ip in addresses {
        let nothing = Policy::default();
        assert_eq!(nothing.allows("any.example", ip), scope(ip) == Scope::Public, "{ip}");
        let alone = Policy::new(false, &[ip.to_string()]).expect("an address may be listed");
        assert!(alone.allows("any.example", ip), "{ip}");
        for private in [false, true] {
            let Ok(policy) = Policy::new(private, &entries) else { continue };
            let plain = ip.to_canonical();
            let in_net = entries.iter().filter_map(|entry| Net::parse(entry.trim())).any(|net| net.contains(plain));
            let by_scope = match scope(ip) {
                Scope::Public => true,
                Scope::Private => private,
                Scope::Never => false,
            };
            // A name with a space in it is none, so only addresses and blocks count here.
            assert_eq!(policy.allows("no host", ip), in_net || by_scope, "{ip} by {entries:?}");
        }
    }
}
