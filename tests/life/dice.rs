//! The random numbers of a command: all zeros are the simplest choice, so that sequences shrink.

pub struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn next(&mut self) -> usize {
        self.0.next().copied().map_or(0, usize::from)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.next() % limit.max(1)
    }

    /// True once in `many`.
    pub fn rarely(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    /// One of them; the first is the simplest.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of them, if there is any.
    pub fn any<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let at = self.below(from.len());
        from.get(at)
    }
}
