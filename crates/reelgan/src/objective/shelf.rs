//! Things with large arrays: as many as there is room for in memory, the rest in a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reelgan_nets::ops::Arrays;

use crate::{Error, Result};

/// Where constants of an inversion lie that memory has no room for.
#[derive(Debug, Clone)]
pub struct Room {
    /// Bytes that targets may take in memory; flows may take a quarter of that, while the
    /// targets are made.
    pub bytes: usize,
    /// The folder of the file that takes the rest. The file has no name there, and is gone when
    /// the inversion ends, however it ends.
    pub folder: PathBuf,
}

impl Default for Room {
    /// 1 GiB, which holds the targets of 7 to 14 frames of 1024x1024, and the system's folder
    /// for temporary files.
    fn default() -> Self {
        Self { bytes: 1 << 30, folder: std::env::temp_dir() }
    }
}

/// Things in order, those beyond the room of the shelf without their arrays.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    near: Vec<T>,
    far: Vec<Far<T>>,
    /// Bytes that are left in memory.
    left: usize,
    room: Room,
    file: Option<Mutex<File>>,
}

/// One whose arrays are in the file, one after the other.
#[derive(Debug)]
struct Far<T> {
    emptied: T,
    start: u64,
    lengths: Vec<usize>,
}

/// One that was asked for.
#[derive(Debug)]
pub(super) enum Lent<'a, T> {
    Near(&'a T),
    Far(T),
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Near(thing) => thing,
            Self::Far(thing) => thing,
        }
    }
}

impl<T: Arrays + Clone> Shelf<T> {
    /// An empty shelf.
    pub fn new(room: Room) -> Self {
        Self { near: Vec::new(), far: Vec::new(), left: room.bytes, room, file: None }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    /// Puts one behind the others.
    ///
    /// # Errors
    /// [`Error::File`] if it has to go into a file and cannot.
    pub fn push(&mut self, mut thing: T) -> Result<()> {
        let mut bytes = 0;
        let mut count = |numbers: &mut Vec<f32>| {
            bytes += size_of_val(numbers.as_slice());
            Ok(())
        };
        let wrong = |e: io::Error| {
            let problem = format!(
                "no room for the targets of frames beyond the first {}: {e}; free some space there, \
                 or give fewer frames at a time (--window)",
                self.near.len()
            );
            Error::file(&self.room.folder, problem)
        };
        thing.visit(&mut count).map_err(wrong)?;
        // Once one is far the others are, so that they stay in order.
        if bytes <= self.left && self.far.is_empty() {
            self.left -= bytes;
            self.near.push(thing);
            return Ok(());
        }
        if self.file.is_none() {
            let file = tempfile::tempfile_in(&self.room.folder).map_err(wrong)?;
            self.file = Some(Mutex::new(file));
        }
        let file = self.file.as_mut().expect("made above");
        let file = file.get_mut().unwrap_or_else(PoisonError::into_inner);
        let start = file.seek(SeekFrom::End(0)).map_err(wrong)?;
        let mut lengths = Vec::new();
        let mut put = |numbers: &mut Vec<f32>| {
            lengths.push(numbers.len());
            file.write_all(bytemuck::cast_slice(numbers))?;
            *numbers = Vec::new();
            Ok(())
        };
        thing.visit(&mut put).map_err(wrong)?;
        self.far.push(Far { emptied: thing, start, lengths });
        Ok(())
    }

    /// The one at a place, counted from 0.
    ///
    /// # Errors
    /// [`Error::File`] if it lies in the file and cannot be read.
    /// # Panics
    /// If there is none.
    pub fn get(&self, place: usize) -> Result<Lent<'_, T>> {
        if place < self.near.len() {
            return Ok(Lent::Near(&self.near[place]));
        }
        let far = &self.far[place - self.near.len()];
        self.read(far).map(Lent::Far).map_err(|e| {
            Error::file(&self.room.folder, format!("targets put away there cannot be read: {e}"))
        })
    }

    fn read(&self, Far { emptied, start, lengths }: &Far<T>) -> io::Result<T> {
        let file = self.file.as_ref().expect("what is far lies in the file");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(*start))?;
        let mut thing = emptied.clone();
        let mut lengths = lengths.iter();
        thing.visit(&mut |numbers| {
            *numbers = vec![0.0; *lengths.next().expect("as many arrays as were put away")];
            file.read_exact(bytemuck::cast_slice_mut(numbers))
        })?;
        Ok(thing)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use reelgan_nets::ops::Visitor;

    use super::*;

    /// A map and a plain array, with a number each that stays.
    #[derive(Debug, Clone)]
    struct Thing {
        name: usize,
        map: Tensor<4>,
        list: Vec<f32>,
    }

    impl Arrays for Thing {
        fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
            self.map.visit(visitor)?;
            visitor(&mut self.list)
        }
    }

    /// 64 bytes of numbers that are its own, the last of them no number.
    fn thing(name: usize) -> Thing {
        let value = |i: usize| (100 * name + i) as f32 + 0.1;
        let map = TensorData::new((0..12).map(value).collect::<Vec<_>>(), [1, 2, 3, 2]);
        let list = vec![value(12), -0.0, f32::INFINITY, f32::NAN];
        Thing { name, map: Tensor::from_data(map, &Device::flex()), list }
    }

    fn bits(thing: &Thing) -> (usize, [usize; 4], Vec<u32>) {
        let map = thing.map.clone().into_data().try_into_vec::<f32>().unwrap();
        let bits = map.iter().chain(&thing.list).map(|v| v.to_bits()).collect();
        (thing.name, thing.map.dims(), bits)
    }

    #[test]
    fn what_was_put_away_comes_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(Room { bytes: 130, folder: folder.path().to_owned() });
        (0..5).for_each(|k| shelf.push(thing(k)).unwrap());
        assert_eq!((shelf.len(), shelf.near.len()), (5, 2));
        // Its file has no name that could be left over.
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        for k in [4, 0, 2, 3, 2, 1] {
            assert_eq!(bits(&shelf.get(k).unwrap()), bits(&thing(k)), "at {k}");
        }
    }

    #[test]
    fn without_a_place_for_the_rest_it_says_so() {
        let folder = tempfile::tempdir().unwrap().path().join("gone");
        let mut shelf = Shelf::new(Room { bytes: 64, folder });
        shelf.push(thing(0)).unwrap();
        let error = shelf.push(thing(1)).unwrap_err().to_string();
        assert!(error.contains("gone") && error.contains("first 1:"), "{error}");
        assert!(error.contains("--window"), "{error}");
        // What was there is there still.
        assert_eq!((shelf.len(), bits(&shelf.get(0).unwrap())), (1, bits(&thing(0))));
    }
}
