//! What the events of a session change in the window.

use std::sync::Arc;

use super::Window;
use crate::gui::engine::transfers::TransferOrder;
use crate::gui::engine::{Connected, Deed, SessionEvent, SharedTarget};

impl Window {
    /// Something happened to the session.
    pub(super) fn session(&mut self, event: SessionEvent) {
        self.log.hear(&event);
        match event {
            SessionEvent::Locked(path, wrong) => self.login.lock(path, wrong),
            SessionEvent::Story(story) => self.trust.hear(*story),
            SessionEvent::Connected(connected) => self.enter(connected),
            SessionEvent::Failed(told) => {
                match self.connected {
                    // Connecting again did not succeed: what is shown stays.
                    Some(_) => {
                        self.login.connecting = false;
                        self.lost = Some(told);
                    }
                    None => self.login.fail(told, self.trust.was_stopped()),
                }
            }
            SessionEvent::Lost(told) => {
                self.files.lost(&told);
                self.password.refused(&told);
                self.lost = Some(told);
            }
            SessionEvent::Listing(files) => self.files.update(files),
            SessionEvent::Target(target) => self.log_in_as(target),
            SessionEvent::Done(deed) => {
                self.files.done(&deed);
                if deed == Deed::PasswordChanged {
                    self.password.done();
                }
            }
            SessionEvent::Refused(Deed::PasswordChanged, told) => self.password.refused(&told),
            SessionEvent::Refused(deed, told) => self.files.refused(&deed, &told),
        }
    }

    /// The password is another: whatever connects from now on uses it, transfers that are under way too.
    fn log_in_as(&mut self, target: SharedTarget) {
        let Some(connected) = &mut self.connected else {
            return;
        };
        self.engine.log_in_as(&target);
        let before = std::mem::replace(&mut connected.target, Arc::clone(&target));
        let of_it = self.transfers.all().filter(|transfer| {
            transfer.state.is_unfinished() && Arc::ptr_eq(&transfer.target, &before)
        });
        let ids = of_it.map(|transfer| transfer.id).collect();
        self.engine.transfer(TransferOrder::Adopt(ids, target));
    }

    fn enter(&mut self, connected: Box<Connected>) {
        if self.connected.is_none()
            && let Some(recent) = self.login.recent()
        {
            self.settings.remember(recent);
        }
        self.login.succeed();
        self.lost = None;
        // What was begun with an earlier login to this server goes on with this one.
        let owned = self.leave.enter(&connected);
        let of_it = self
            .transfers
            .all()
            .filter(|transfer| transfer.state.is_unfinished() && owned(&transfer.target));
        let ids = of_it.map(|transfer| transfer.id).collect();
        let target = Arc::clone(&connected.target);
        self.engine.transfer(TransferOrder::Adopt(ids, target));
        self.files.enter();
        self.connected = Some(connected);
        self.save();
    }
}
