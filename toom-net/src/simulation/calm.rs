//! The end of all trouble: everything has to come to rest.

use toom_core::Mono;

use super::host::End;
use super::report::{Kept, broken, demand};
use super::world::World;

/// How often everything has its turn at most.
const ROUNDS_MAX: usize = 20_000;

/// Ends the faults, and demands that everybody gets what they wait for; then the server is shut down, and its store looked at.
pub(super) fn come_to_rest(world: &mut World) -> Kept {
    calm(world)?;
    for _ in 0..ROUNDS_MAX {
        world.common.log.step += 1;
        if round(world)? {
            continue;
        }
        let Some(waits) = waits_for(world) else {
            world.host.has_no_transfers()?;
            world.host.work_to_the_end(&mut world.common)?;
            return close(world);
        };
        let Some(deadline) = next_deadline(world) else {
            return broken(format!(
                "everything comes to rest: nothing happens any more, and there waits {waits}"
            ));
        };
        world.common.clock.pass_until(deadline);
    }
    let waits = waits_for(world).unwrap_or_default();
    broken(format!("everything comes to rest: after {ROUNDS_MAX} rounds there still waits {waits}"))
}

fn calm(world: &mut World) -> Kept {
    let common = &mut world.common;
    common.log.note(format_args!("the faults end"));
    world.host.disk.heal();
    world.host.disk.set_bytes_max(None);
    common.clock.set_wrong(0);
    common.calm_since = Some(common.clock.mono());
    common.network.borrow_mut().calm(&mut common.chance);
    let failed = world.host.running.as_ref().is_some_and(|running| running.server.refuses_writes());
    if failed || world.host.running.is_some() && !world.host.is_serving() {
        world.host.end(End::Kill, common);
    }
    // A store may need another start: one that failed under work that nobody waited for refuses the next post.
    for _ in 0..3 {
        if world.host.running.is_none() {
            world.host.start(0, common)?;
        }
    }
    demand(world.host.running.is_some(), || "a server starts when nothing is in its way".to_owned())?;
    world.host.put_all_accounts(common);
    world.vandals.iter_mut().for_each(|vandal| vandal.leave(common));
    world.visitors.iter_mut().for_each(|visitor| visitor.asleep_until = Mono::ZERO);
    world.talkers.iter_mut().for_each(|talker| talker.asleep_until = Mono::ZERO);
    Ok(())
}

/// Everything has its turn; whether anything moved.
fn round(world: &mut World) -> Kept<bool> {
    let World { common, host, visitors, talkers, .. } = world;
    {
        let mut network = common.network.borrow_mut();
        let moving = network.moving(common.clock.mono());
        for lane in moving {
            network.arrive(lane, usize::MAX);
        }
    }
    host.pass(usize::MAX, common)?;
    let mut moved = host.turn(usize::MAX, None, common)? > 0;
    moved |= host.check(0, common);
    moved |= host.read();
    moved |= !host.is_idle(common);
    if host.running.as_ref().is_some_and(|running| running.server.refuses_writes()) {
        // What had failed before the calm is noticed now.
        host.end(End::Kill, common);
    }
    if host.running.is_none() {
        host.start(0, common)?;
        moved = true;
    }
    let is_up = host.is_serving();
    for visitor in visitors.iter_mut() {
        moved |= visitor.poll(is_up, common)?;
    }
    for talker in talkers.iter_mut() {
        moved |= talker.poll(common)? || talker.settle(common);
        if talker.next_deadline().is_some_and(|deadline| deadline <= common.clock.mono()) {
            talker.connect(common);
            moved = true;
        }
    }
    visitors.retain(|visitor| !visitor.is_over());
    Ok(moved || common.network.borrow().is_busy(common.clock.mono()))
}

fn waits_for(world: &World) -> Option<String> {
    let visitors = world.visitors.iter().filter_map(|visitor| visitor.waits_for(&world.common));
    let talkers = world.talkers.iter().filter_map(|talker| talker.waits_for(&world.common));
    visitors.chain(talkers).next()
}

fn next_deadline(world: &World) -> Option<Mono> {
    let visitors = world.visitors.iter().filter_map(super::visitor::Visitor::next_deadline);
    let server = world.host.running.as_ref().and_then(super::host::Running::next_deadline);
    let talkers = world.talkers.iter().filter_map(super::talker::Talker::next_deadline);
    visitors.chain(talkers).chain(server).min()
}

/// The server is shut down, and its store holds what was said and nothing else.
fn close(world: &mut World) -> Kept {
    let common = &mut world.common;
    common.log.note(format_args!("everything is at rest"));
    world.host.shut_down(common);
    for _ in 0..ROUNDS_MAX {
        if world.host.running.is_none() {
            return world.host.check_disk(common);
        }
        common.log.step += 1;
        world.host.pass(usize::MAX, common)?;
        if world.host.turn(usize::MAX, None, common)? == 0 {
            common.clock.pass(core::time::Duration::from_millis(100));
        }
    }
    broken("a server that is shut down ends")
}
