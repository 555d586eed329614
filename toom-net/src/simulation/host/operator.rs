//! What the operator of the server does.

use core::time::Duration;

use super::{Host, Phase};
use crate::simulation::common::Common;
use crate::simulation::network::Cut;

impl Host {
    /// The operator does something.
    pub(in crate::simulation) fn operate(&mut self, common: &mut Common) {
        let Some(running) = &mut self.running else { return };
        common.counts.operations += 1;
        let user = common.chance.pick(&self.users).map(|user| user.name.clone());
        if common.chance.permille(600) {
            common.log.note(format_args!("{user:?} is kicked"));
            if let Some(user) = user {
                running.server.kick(user);
            }
        } else {
            let accounts = common.chance.between(self.users.len().saturating_sub(1), self.users.len());
            self.set_accounts(accounts, common);
        }
    }

    /// The first so many users have accounts from now on.
    pub(in crate::simulation) fn set_accounts(&mut self, accounts: usize, common: &mut Common) {
        common.log.note(format_args!("there are {accounts} accounts"));
        self.accounts = accounts;
        let kept = self.accounts();
        if let Some(running) = &self.running {
            running.server.set_accounts(kept);
        }
    }

    /// Everybody has an account again.
    pub(in crate::simulation) fn put_all_accounts(&mut self, common: &mut Common) {
        self.set_accounts(self.users.len(), common);
    }

    /// Shuts the server down.
    pub(in crate::simulation) fn shut_down(&mut self, common: &mut Common) {
        let Some(running) = self.running.as_mut().filter(|running| running.phase == Phase::Serving) else {
            return;
        };
        common.log.note(format_args!("the server shuts down"));
        let now = running.now(common).mono;
        running.server.shut_down(now);
        let until = common.clock.mono().after(common.weather.limits.closing_time + Duration::from_millis(1));
        running.phase = Phase::Closing { until };
        common.network.borrow_mut().refuse_backlog(Cut::Broken, &mut common.chance);
    }
}
