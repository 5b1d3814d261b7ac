//! Scratch memory that goes from one piece of work to the next.

use std::sync::Mutex;

/// What no thread uses at the moment. It is large, so there is no more of it than threads.
pub struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Spare<T> {
    /// Lends one out, made anew where there is none to spare.
    pub fn lend<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let found = self.0.lock().ok().and_then(|mut spare| spare.pop());
        let mut lent = found.unwrap_or_else(make);
        let done = work(&mut lent);
        if let Ok(mut spare) = self.0.lock() {
            spare.push(lent);
        }
        done
    }

    /// All of them, none being lent.
    pub fn all(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.get_mut().into_iter().flatten()
    }
}
