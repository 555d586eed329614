//! The UDP socket below QUIC, which takes batches of large datagrams.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime as _, UdpPoller};
use socket2::{Domain, Protocol, Socket, Type};

/// What the kernel is asked to hold for us in each direction; it may give less. With little, large datagrams are lost in bursts.
const BUFFER_BYTES: usize = 4 << 20;

/// The largest datagram there can be.
pub(super) const DATAGRAM_BYTES_MAX: u16 = 65_527;

/// What Ethernet takes, and is received however little the kernel holds.
const DATAGRAM_BYTES_MIN: usize = 1_472;

/// What the kernel takes in one call, whatever the number of datagrams: the longest IP packet, without its headers.
const CALL_BYTES_MAX: usize = 65_507;

/// How many of the largest datagrams must fit into what the kernel holds. Congestion control cannot do with much fewer, once several
/// transfers share it.
const HELD_DATAGRAMS: usize = 32;

/// The socket, and the largest datagram that it is fit to receive.
pub(super) fn bind(addr: SocketAddr) -> io::Result<(Arc<dyn AsyncUdpSocket>, u16)> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr == SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), addr.port()) {
        socket.set_only_v6(false)?;
    }
    // It works with less, only slower.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    let datagram =
        (socket.recv_buffer_size()? / HELD_DATAGRAMS).clamp(DATAGRAM_BYTES_MIN, DATAGRAM_BYTES_MAX.into());
    let datagram = u16::try_from(datagram).unwrap_or(DATAGRAM_BYTES_MAX);
    Ok((Arc::new(LargeBatches(quinn::TokioRuntime.wrap_udp_socket(socket.into())?)), datagram))
}

/// A socket that cuts the batches which QUIC makes of large datagrams to what the kernel takes at once. Without that, they would
/// silently be lost.
#[derive(Debug)]
struct LargeBatches(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for LargeBatches {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.0).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Some(datagram) = transmit.segment_size.filter(|_| transmit.contents.len() > CALL_BYTES_MAX)
        else {
            return self.0.try_send(transmit);
        };
        let batch = (CALL_BYTES_MAX / datagram).max(1) * datagram;
        // Where the kernel is full in between, all of it is sent again later. Datagrams may come twice.
        transmit.contents.chunks(batch).try_for_each(|contents| {
            self.0.try_send(&Transmit {
                contents,
                segment_size: (contents.len() > datagram).then_some(datagram),
                ..*transmit
            })
        })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, buffers, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments()
    }

    /// What this says is multiplied with the longest datagram for the length of each buffer. The kernel never gives more at once than
    /// the longest datagram has, however many it joins.
    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}
