//! Matrix products on slices: the one place of this crate that calls a function the compiler cannot check.

/// A matrix in a slice: element (r, c) is at `r·row_step + c·column_step`.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_step: usize,
    pub(super) column_step: usize,
}

impl Layout {
    /// Rows one after the other, `stride` apart.
    pub(super) fn rows(rows: usize, columns: usize, stride: usize) -> Self {
        Layout { rows, columns, row_step: stride, column_step: 1 }
    }

    /// The transposed matrix in the same place.
    pub(super) fn transposed(self) -> Self {
        Layout { rows: self.columns, columns: self.rows, row_step: self.column_step, column_step: self.row_step }
    }

    fn needs(&self) -> usize {
        match (self.rows, self.columns) {
            (0, _) | (_, 0) => 0,
            (r, c) => (r - 1) * self.row_step + (c - 1) * self.column_step + 1,
        }
    }
}

/// `out = a·b`, or `out += a·b` when `accumulate`, in the calling thread.
///
/// # Panics
/// Where the shapes do not fit or a slice is too short: a defect of the caller, never of its input.
pub(super) fn multiply(out: &mut [f32], o: Layout, a: (&[f32], Layout), b: (&[f32], Layout), accumulate: bool) {
    let ((a, la), (b, lb)) = (a, b);
    assert!(la.columns == lb.rows && o.rows == la.rows && o.columns == lb.columns, "matrices that do not fit");
    assert!(out.len() >= o.needs() && a.len() >= la.needs() && b.len() >= lb.needs(), "a matrix beyond its slice");
    if o.rows == 0 || o.columns == 0 {
        return;
    }
    // SAFETY: the assertions above bound every element that is read or written, for all three matrices; `out` is borrowed
    // exclusively, so it overlaps neither operand; steps are below isize::MAX since they lie within a slice.
    #[allow(unsafe_code, reason = "the matrix product takes pointers; its bounds are asserted above")]
    unsafe {
        gemm::gemm(
            o.rows,
            o.columns,
            la.columns,
            out.as_mut_ptr(),
            o.column_step as isize,
            o.row_step as isize,
            accumulate,
            a.as_ptr(),
            la.column_step as isize,
            la.row_step as isize,
            b.as_ptr(),
            lb.column_step as isize,
            lb.row_step as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
