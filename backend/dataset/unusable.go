package dataset

import "context"

// Unusable starts to list the rows that cannot be trained on or evaluated, those
// that BadRows tells of, and returns at once. It ends with ctx, with the list's
// Close or the dataset's.
func (d *Dataset) Unusable(ctx context.Context) *List {
	return d.start(ctx, func(ctx context.Context, l *List) error {
		work := func(ctx context.Context, lo, hi int64) (bad []uint32, err error) {
			err = scanRange(ctx, d.rows, lo, hi, func(r *record) {
				if e := d.mapping.example(r); d.unusable(r, &e) != "" {
					bad = append(bad, uint32(r.index))
				}
			})
			return bad, err
		}
		err := sweep(ctx, d.rows, 0, work, func(_, hi int64, bad []uint32) error {
			l.add(bad, hi)
			return nil
		})
		if err != nil {
			return err
		}
		return d.WaitIndexed(ctx) // it knows of damage further on
	})
}
