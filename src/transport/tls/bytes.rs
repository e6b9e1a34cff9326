//! Bytes of a message still to be read; every step can fail.

/// What is left to be read.
#[derive(Clone, Copy, Default)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Self(taken))
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte.0[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        let two = self.take(2)?.0;
        Some(u16::from_be_bytes([two[0], two[1]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    /// A list behind a length of 8, 16 or 24 bits.
    pub(super) fn take8(&mut self) -> Option<Self> {
        let length = self.u8()?;
        self.take(length.into())
    }

    pub(super) fn take16(&mut self) -> Option<Self> {
        let length = self.u16()?;
        self.take(length.into())
    }

    pub(super) fn take24(&mut self) -> Option<Self> {
        let (high, low) = (self.u8()?, self.u16()?);
        self.take(usize::from(high) << 16 | usize::from(low))
    }
}

impl<'a> Bytes<'a> {
    /// The rest as a list of 16-bit numbers.
    pub(super) fn numbers(mut self) -> impl Iterator<Item = u16> + use<'a> {
        std::iter::from_fn(move || self.u16())
    }

    /// The rest as extensions: number and body (RFC 8446 §4.2).
    pub(super) fn extensions(mut self) -> impl Iterator<Item = (u16, Bytes<'a>)> + use<'a> {
        std::iter::from_fn(move || {
            let kind = self.u16()?;
            let length = self.u16()?;
            let (body, rest) = self.0.split_at_checked(length.into())?;
            self.0 = rest;
            Some((kind, Bytes(body)))
        })
    }
}
