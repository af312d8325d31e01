//! Where the networks compute: chosen by name at run time among what was compiled in.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn::tensor::DeviceType;

use crate::{Error, Result};

/// A device by name: `cpu`, `vulkan`, `vulkan:1`, `cuda:0`, `wgpu:cpu` ...
///
/// The number counts the adapters of that interface from 0; without one the
/// interface's own choice is taken. `:cpu` asks for a driver that computes on the
/// processor, as tests without a graphics card need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceName {
    interface: Interface,
    adapter: Adapter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Interface {
    #[default]
    Cpu,
    Wgpu,
    Vulkan,
    Metal,
    Cuda,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Adapter {
    #[default]
    Default,
    Index(usize),
    Software,
}

/// Every interface: its name, the feature that brings it, whether it is in this build.
const INTERFACES: [(Interface, &str, bool); 5] = [
    (Interface::Cpu, "cpu", true),
    (Interface::Wgpu, "wgpu", cfg!(feature = "wgpu")),
    (Interface::Vulkan, "vulkan", cfg!(feature = "vulkan")),
    (Interface::Metal, "metal", cfg!(feature = "metal")),
    (Interface::Cuda, "cuda", cfg!(feature = "cuda")),
];

impl Interface {
    fn name(self) -> &'static str {
        INTERFACES.iter().find(|(i, ..)| *i == self).map_or("cpu", |(_, name, _)| name)
    }
}

impl DeviceName {
    /// The names that this build knows.
    pub fn compiled() -> Vec<&'static str> {
        INTERFACES.iter().filter(|(.., here)| *here).map(|(_, name, _)| *name).collect()
    }

    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Device`] if the machine has no such device.
    pub fn open(self) -> Result<Device> {
        match self.interface {
            Interface::Cpu => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            Interface::Wgpu => self.graphics(DeviceType::Wgpu, Device::wgpu),
            #[cfg(feature = "vulkan")]
            Interface::Vulkan => self.graphics(DeviceType::Vulkan, Device::vulkan),
            #[cfg(feature = "metal")]
            Interface::Metal => self.graphics(DeviceType::Metal, Device::metal),
            #[cfg(feature = "cuda")]
            Interface::Cuda => self.cuda(),
            #[allow(unreachable_patterns, reason = "which arms exist depends on the features")]
            _ => unreachable!("a name is only made for what is compiled in"),
        }
    }

    /// An adapter of a graphics interface. The drivers are asked first what there
    /// is: opening an adapter that is not there would panic.
    #[cfg(feature = "wgpu")]
    fn graphics(self, kind: DeviceType, open: fn(DeviceKind) -> Device) -> Result<Device> {
        let found = Device::enumerate(kind);
        if found.is_empty() {
            return Err(self.missing("no driver for it was found"));
        }
        match self.adapter {
            Adapter::Default => Ok(open(DeviceKind::DefaultDevice)),
            Adapter::Software => Ok(open(DeviceKind::Cpu)),
            Adapter::Index(i) => found.get(i).cloned().ok_or_else(|| {
                self.missing(&format!("the machine has {} of them, counted from 0", found.len()))
            }),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda(self) -> Result<Device> {
        let found = Device::enumerate(DeviceType::Cuda);
        let index = match self.adapter {
            Adapter::Default => 0,
            Adapter::Index(i) => i,
            Adapter::Software => return Err(self.missing("CUDA has no software driver")),
        };
        found.get(index).cloned().ok_or_else(|| {
            self.missing(&format!("the machine has {} of them, counted from 0", found.len()))
        })
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn missing(self, problem: &str) -> Error {
        let problem = format!("{problem}; the device `cpu` is always there");
        Error::Device { name: self.to_string(), problem }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.interface.name())?;
        match self.adapter {
            Adapter::Default => Ok(()),
            Adapter::Index(i) => write!(f, ":{i}"),
            Adapter::Software => f.write_str(":cpu"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |problem: String| Err(Error::Device { name: text.into(), problem });
        let (name, adapter) = match text.split_once(':') {
            None => (text, Adapter::Default),
            Some((name, "cpu")) => (name, Adapter::Software),
            Some((name, number)) => match number.parse() {
                Ok(index) => (name, Adapter::Index(index)),
                Err(_) => return refused(format!("`{number}` is no number of an adapter")),
            },
        };
        let Some((interface, _, here)) = INTERFACES.iter().find(|(_, known, _)| *known == name)
        else {
            let names = INTERFACES.map(|(_, name, _)| name).join(", ");
            return refused(format!("unknown; the devices are {names}"));
        };
        if !here {
            return refused(format!(
                "not in this build; build with `cargo build --release --features {name}` \
                 (this build has {})",
                Self::compiled().join(", ")
            ));
        }
        if *interface == Interface::Cpu && adapter != Adapter::Default {
            return refused("there is one cpu; --threads sets how much of it is used".into());
        }
        Ok(Self { interface: *interface, adapter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_the_default_and_always_there() {
        let name: DeviceName = "cpu".parse().unwrap();
        assert_eq!(name, DeviceName::default());
        assert_eq!(name.open().unwrap(), Device::flex());
        assert!(DeviceName::compiled().contains(&"cpu"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, said) in [
            ("gpu", "unknown"),
            ("", "unknown"),
            ("vulkan:x", "no number"),
            ("cuda:-1", "no number"),
            ("cpu:1", "one cpu"),
        ] {
            let error = text.parse::<DeviceName>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_compiled_names_the_feature() {
        for (_, name, here) in INTERFACES {
            match name.parse::<DeviceName>() {
                Ok(device) => assert!(here && device.to_string() == name),
                Err(error) => {
                    assert!(!here && error.to_string().contains(&format!("--features {name}")));
                }
            }
        }
    }
}
