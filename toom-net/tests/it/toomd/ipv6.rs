//! Peers that come by IPv6: from the machine itself, and, in a network of the test's own, from many addresses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use socket2::{Domain, SockAddr, Socket, Type};

use super::*;

/// Two households: an address is one of them, and a number within it.
fn address(household: u16, host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0, 0, household, 0, 0, 0, host)
}

fn server(limits: &[&str]) -> Toomd {
    let folder = folder("luke pw\n");
    let limits = limits.iter().flat_map(|limit| ["--limit", limit]);
    let words: Vec<_> = ["0", "--listen", "::1"].into_iter().chain(limits).collect();
    let mut child = command(&folder, &words).spawn().unwrap();
    let talk = BufReader::new(child.stderr.take().unwrap());
    let mut server = Toomd { child, talk, notices: Vec::new(), port: 0, folder };
    let listening = server.said("listening on [::1]:");
    server.port = listening.rsplit(':').next().unwrap().parse().unwrap();
    server
}

/// A peer at `from`, and what it is told first.
fn connect(server: &Toomd, from: Ipv6Addr) -> (Peer, String) {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddr::new(IpAddr::V6(from), 0))).unwrap();
    socket.connect(&SockAddr::from(SocketAddr::from((Ipv6Addr::LOCALHOST, server.port)))).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut peer = Peer(BufReader::new(stream));
    let line = peer.line();
    (peer, line)
}

fn welcome(server: &Toomd, from: Ipv6Addr) -> Peer {
    let (peer, line) = connect(server, from);
    assert!(line.starts_with("TOOM 1 "), "{from}: {line}");
    peer
}

#[test]
fn ipv6_is_served_like_ipv4_and_counted() {
    let server = server(&["loopback=counted", "connections-per-address=1"]);
    let mut luke = welcome(&server, Ipv6Addr::LOCALHOST);
    assert!(luke.ask("LOGIN luke pw").contains(" luke ::1 "));
    let (_, line) = connect(&server, Ipv6Addr::LOCALHOST);
    assert!(line.starts_with("BYE too-many-connections your address "), "{line}");
}

/// Whether this process has a network of its own, with three addresses of each of two households. If not, the test `name` is run once
/// more, in a process that has one; where the system does not allow that, nothing is tested, and that is said.
fn has_network_of_its_own(name: &str) -> bool {
    const MARK: &str = "TOOM_TEST_NETWORK";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let addresses = (1..=2).flat_map(|household| (1..=3).map(move |host| address(household, host)));
    let adding: Vec<_> = addresses.map(|at| format!("ip -6 address add {at}/64 dev lo nodad")).collect();
    let script = format!("ip link set lo up && {} && exec \"$@\"", adding.join(" && "));
    // As root; or as one who is root nowhere else.
    for rights in ["-n", "-rn"] {
        let run = |words: &[&str]| {
            let mut run = Command::new("unshare");
            run.args([rights, "sh", "-c", &script, "sh"]).args(words).env(MARK, "yes").output()
        };
        if !run(&["true"]).is_ok_and(|tried| tried.status.success()) {
            continue;
        }
        let this = std::env::current_exe().unwrap();
        let ran = run(&[this.to_str().unwrap(), "--exact", name, "--nocapture"]).unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        let passed = ran.status.success() && told.contains("1 passed");
        assert!(passed, "{told}{}", String::from_utf8_lossy(&ran.stderr));
        return false;
    }
    eprintln!("!!! SKIPPED: no network of its own. Nothing was shown about many addresses of IPv6. !!!");
    false
}

#[test]
fn all_addresses_of_an_ipv6_household_are_one_to_every_limit_and_others_are_not_held_up() {
    let name =
        "toomd::ipv6::all_addresses_of_an_ipv6_household_are_one_to_every_limit_and_others_are_not_held_up";
    if !has_network_of_its_own(name) {
        return;
    }
    let open = server(&["connections-per-address=2"]);
    let mut two = [1, 2].map(|host| welcome(&open, address(1, host)));
    assert!(two.iter_mut().all(|luke| luke.ask("LOGIN luke pw").starts_with("OK LOGIN ")));
    let (_, line) = connect(&open, address(1, 3));
    assert!(line.starts_with("BYE too-many-connections your address has as many connections "), "{line}");
    let _other = welcome(&open, address(2, 1));

    let strange = server(&["strangers-per-address=2"]);
    let [mut oldest, _younger] = [1, 2].map(|host| welcome(&strange, address(1, host)));
    let _other = welcome(&strange, address(2, 1));
    let _third = welcome(&strange, address(1, 3));
    assert!(oldest.line().starts_with("BYE too-many-connections others want to connect"));

    let often = server(&["connections-per-address-per-second=1", "connections-per-address-burst=2"]);
    let knocks: Vec<_> = (0..20).map(|nth| connect(&often, address(1, 1 + nth % 3)).1).collect();
    assert!(knocks[..2].iter().all(|line| line.starts_with("TOOM 1 ")), "{knocks:?}");
    assert!(knocks.iter().any(|line| line.starts_with("BYE throttled ")), "{knocks:?}");
    let _other = welcome(&often, address(2, 1));

    let guessed = server(&["source-failures=2", "source-refill=1h"]);
    let guess = |host, user| welcome(&guessed, address(1, host)).ask(&format!("LOGIN {user} wrong"));
    assert!(guess(1, "leia").starts_with("ERR LOGIN bad-credentials "));
    assert!(guess(2, "hans").starts_with("ERR LOGIN bad-credentials "));
    assert!(guess(3, "yoda").starts_with("ERR LOGIN throttled "));
    assert!(welcome(&guessed, address(2, 1)).ask("LOGIN luke pw").starts_with("OK LOGIN "));
}
