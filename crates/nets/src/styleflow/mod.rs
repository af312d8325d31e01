//! StyleFlow: a conditional continuous normalizing flow between the codes of a
//! generator and codes from which the known attributes are taken out.
//!
//! ```text
//! ode       adaptive Runge-Kutta integration (Dormand-Prince 5(4))
//! vector    the learned vector field dy/dt = f(t, y | attributes)
//! network   moving batch norms and flows in a chain, both ways
//! ```

mod network;
pub mod ode;
mod vector;

pub use network::StyleFlow;
