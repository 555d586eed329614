//! The troubles that come, as the weather has them.

use core::time::Duration;

use toom_core::Mono;
use toom_core::simulated::{Call, Fault};

use super::accounts::User;
use super::common::Common;
use super::host::{End, Host};
use super::network::Cut;
use super::report::Kept;
use super::vandal::Vandal;

const MICROSECOND: Duration = Duration::from_micros(1);

/// A day, in microseconds.
const DAY: i64 = 86_400_000_000;

/// How much the wall clock may be wrong.
const WRONG: [i64; 5] = [0, DAY, -DAY, 3_000_000, -60_000_000];

/// Calls of a disk that may fail.
const CALLS: [Call; 8] = [
    Call::Sync,
    Call::Sync,
    Call::Write,
    Call::SyncNames,
    Call::Create,
    Call::Rename,
    Call::Read,
    Call::Remove,
];

/// Cuts a connection, or lets it stall.
pub(super) fn network(common: &mut Common) {
    let ids = common.network.borrow().ids();
    if common.chance.rarely(common.weather.cuts)
        && let Some(id) = common.chance.pick(&ids)
    {
        let cut =
            *common.chance.pick(&[Cut::Ended, Cut::Broken, Cut::Broken, Cut::Silent]).unwrap_or(&Cut::Ended);
        *match cut {
            Cut::Silent => &mut common.counts.connections_silent,
            Cut::Ended | Cut::Broken => &mut common.counts.connections_cut,
        } += 1;
        common.log.note(format_args!("connection {id} is cut: {cut:?}"));
        common.network.borrow_mut().cut(*id, cut, &mut common.chance);
    }
    if common.chance.rarely(common.weather.stalls)
        && let Some(id) = common.chance.pick(&ids)
    {
        let until = common.clock.mono().after(common.chance.duration(Duration::from_secs(30)));
        let ways = common.chance.below(3);
        common.log.note(format_args!("connection {id} stalls"));
        common.network.borrow_mut().stall(*id, until, ways);
    }
}

/// Sets the wall clock, or lets time pass at once.
pub(super) fn clock(common: &mut Common) {
    if common.chance.rarely(common.weather.clocks) {
        let wrong = *common.chance.pick(&WRONG).unwrap_or(&0);
        common.counts.clocks_set += 1;
        common.log.note(format_args!("the wall clock is wrong by {wrong} µs"));
        common.clock.set_wrong(wrong);
    }
    if common.chance.rarely(common.weather.leaps) {
        let leap = common.chance.duration(Duration::from_secs(200));
        common.log.note(format_args!("{leap:?} pass"));
        common.clock.pass(leap);
    }
}

/// Guesses a password in the very moment in which a block ends, a microsecond before, or one after.
pub(super) fn edge(host: &mut Host, vandals: &mut [Vandal], common: &mut Common) -> Kept {
    let Some((until, user)) = host.next_edge(common) else { return Ok(()) };
    // Where the third of them is, users come from as well.
    let Some(vandal) = vandals.get_mut(common.chance.below(vandals.len().min(2))) else { return Ok(()) };
    let edge = until.elapsed();
    let (at, password) = match common.chance.below(4) {
        // The right one is refused as well.
        0 => (edge.saturating_sub(MICROSECOND), User::PASSWORD),
        1 => (edge.saturating_sub(MICROSECOND), "wrong"),
        2 => (edge, "wrong"),
        _ => (edge + MICROSECOND, "wrong"),
    };
    common.clock.pass_until(Mono::new(at));
    common.counts.edges += 1;
    common.log.note(format_args!("the block of {user} ends, or is about to, and there comes a guess"));
    let cable = vandal.guess(user.as_str(), password, common);
    common.network.borrow_mut().arrive((cable, true), usize::MAX);
    host.pass(0, common)?;
    host.pass(0, common)?;
    host.turn(usize::MAX, None, common)?;
    Ok(())
}

/// Lets the disk fail, or be full.
pub(super) fn disk(host: &Host, common: &mut Common) {
    if !common.chance.rarely(common.weather.disk_faults) {
        return;
    }
    match common.chance.below(8) {
        0 => {
            let room = host.disk.bytes_used() + common.chance.below(2000);
            common.log.note(format_args!("the disk has room for {room} bytes"));
            host.disk.set_bytes_max(Some(room));
        }
        1 => host.disk.set_bytes_max(None),
        2 => host.disk.heal(),
        _ => {
            let call = *common.chance.pick(&CALLS).unwrap_or(&Call::Sync);
            let nth = common.chance.between(1, 12) as u64;
            let mut fault = Fault::nth(nth).of(call).torn(common.chance.below(300));
            if common.chance.permille(200) {
                fault = fault.forever();
            }
            common.log.note(format_args!("the disk fails: {fault:?}"));
            host.disk.inject(fault);
        }
    }
}

/// Ends the server, or lets the operator do something.
pub(super) fn server(host: &mut Host, common: &mut Common) {
    let Some(running) = &host.running else { return };
    // A store that has failed is opened anew.
    let failed = if running.server.refuses_writes() { 100 } else { 0 };
    let weather = common.weather.clone();
    if common.chance.rarely(weather.power_cuts) {
        host.end(End::PowerCut, common);
    } else if common.chance.rarely(weather.kills + failed) {
        host.end(End::Kill, common);
    } else if common.chance.rarely(weather.shutdowns + failed) {
        host.shut_down(common);
    } else if common.chance.rarely(weather.operator) {
        host.operate(common);
    }
}
