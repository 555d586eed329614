//! A network between the two that loses, doubles and reorders datagrams as a seed tells, or is cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// What happens to datagrams, in per mille.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Held back until the next one has gone.
    pub(crate) late: u64,
    /// After so many bytes towards the receiver, nothing gets through any more in either direction.
    pub(crate) cut_after: Option<u64>,
}

pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    carried: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Takes what comes to its address to `receiver`, and back what is answered.
    pub(crate) async fn to(receiver: SocketAddr, weather: Weather) -> Self {
        let (front, back) = (Arc::new(roomy_socket().await), Arc::new(roomy_socket().await));
        back.connect(receiver).await.unwrap();
        let addr = front.local_addr().unwrap();
        let carried = Arc::new(AtomicU64::new(0));
        let is_cut = {
            let carried = Arc::clone(&carried);
            move || weather.cut_after.is_some_and(|bytes| carried.load(Ordering::Relaxed) >= bytes)
        };
        let mut tasks = JoinSet::new();
        let (sender, known_sender) = tokio::sync::watch::channel(None);
        {
            let (front, back, carried, is_cut) =
                (front.clone(), back.clone(), carried.clone(), is_cut.clone());
            tasks.spawn(async move {
                let mut sky = Sky::new(weather, 1);
                let mut buffer = vec![0; 1 << 16];
                while let Ok((bytes, from)) = front.recv_from(&mut buffer).await {
                    sender.send_replace(Some(from));
                    if is_cut() {
                        continue;
                    }
                    carried.fetch_add(bytes as u64, Ordering::Relaxed);
                    for datagram in sky.pass(&buffer[..bytes]) {
                        // A full socket is weather, too.
                        let _ = back.send(&datagram).await;
                    }
                }
            });
        }
        tasks.spawn(async move {
            let mut sky = Sky::new(weather, 2);
            let mut buffer = vec![0; 1 << 16];
            loop {
                let Ok(bytes) = back.recv(&mut buffer).await else { continue };
                let sender = *known_sender.borrow();
                let Some(sender) = sender.filter(|_| !is_cut()) else { continue };
                for datagram in sky.pass(&buffer[..bytes]) {
                    let _ = front.send_to(&datagram, sender).await;
                }
            }
        });
        Self { addr, carried, _tasks: tasks }
    }

    /// The bytes that came from the sender.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }
}

/// A socket that holds many large datagrams, so that the weather is what loses them.
async fn roomy_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
    socket
}

/// One direction's weather.
struct Sky {
    weather: Weather,
    random: u64,
    held: Option<Vec<u8>>,
}

impl Sky {
    fn new(weather: Weather, direction: u64) -> Self {
        Self { weather, random: weather.seed.wrapping_mul(2).wrapping_add(direction), held: None }
    }

    /// What goes out when that comes in.
    fn pass(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let (lost, doubled, late) = (
            self.happens(self.weather.lost),
            self.happens(self.weather.doubled),
            self.happens(self.weather.late),
        );
        if lost {
            return Vec::new();
        }
        let mut out = vec![datagram.to_vec(); if doubled { 2 } else { 1 }];
        if late && self.held.is_none() {
            self.held = out.pop();
        } else {
            out.extend(self.held.take());
        }
        out
    }

    /// splitmix64.
    fn happens(&mut self, per_mille: u64) -> bool {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 1_000 < per_mille
    }
}
