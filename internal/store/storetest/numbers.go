package storetest

import (
	"context"
	"slices"
	"sync"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// numberRanges: each is given once, and its record is given the same one again.
func numberRanges(f *fixture) {
	const town = "05999040"
	a, b := f.accept(), f.accept()
	order := func(id hub.ID, record string) store.NumberOrder {
		return store.NumberOrder{Municipality: town, Range: "marke", First: 10, Last: 13, Submission: id, Record: record}
	}
	draw := func(what string, o store.NumberOrder, want int64) {
		f.Helper()
		n, err := f.Number(f.ctx, o)
		f.must(err)
		equal(f, what, n, want)
	}
	ranges, err := f.Ranges(f.ctx)
	f.must(err)
	equal(f, "ranges before", len(ranges), 0)
	draw("the first", order(a, "/hund[1]"), 10)
	draw("the second record's", order(a, "/hund[2]"), 11)
	draw("another submission's", order(b, "/hund[1]"), 12)
	draw("again", order(a, "/hund[1]"), 10)

	other := order(a, "/hund[1]")
	other.Range = "vorgang"
	draw("of another range", other, 10)
	other.Municipality = "05999999"
	draw("of another municipality", other, 10)

	draw("the last", order(b, "/hund[2]"), 13)
	_, err = f.Number(f.ctx, order(b, "/hund[3]"))
	f.mustBe(err, store.ErrUsedUp)
	draw("again though it is used up", order(b, "/hund[2]"), 13)
	wider := order(b, "/hund[3]")
	wider.First, wider.Last = 20, 30
	draw("of a range that was moved", wider, 20)
	wider.First, wider.Record = 1, "/hund[4]"
	draw("never one before the last", wider, 21)

	ranges, err = f.Ranges(f.ctx)
	f.must(err)
	if want := []store.NumberRange{{Municipality: town, Range: "marke", Last: 21}, {Municipality: town, Range: "vorgang", Last: 10}, {Municipality: "05999999", Range: "vorgang", Last: 10}}; !slices.Equal(ranges, want) {
		f.Errorf("ranges: %v, want %v", ranges, want)
	}
	_, err = f.Number(f.ctx, order(f.ids.New(), "/"))
	f.mustBe(err, store.ErrNotFound)
}

// numbersAtOnce: nobody gets the number of another one, nor two of them.
func numbersAtOnce(f *fixture) {
	id := f.accept()
	const town, records = "05999040", 40
	given := make([]int64, 4*records)
	var all sync.WaitGroup
	for i := range given {
		all.Go(func() {
			n, err := f.Number(context.Background(), store.NumberOrder{
				Municipality: town, Range: "marke", First: 1, Last: 1000, Submission: id, Record: string(rune('A' + i%records)),
			})
			if err != nil {
				f.Error(err)
			}
			given[i] = n
		})
	}
	all.Wait()
	seen := map[int64]int{}
	for i, n := range given {
		if given[i%records] != n {
			f.Errorf("record %d was given %d and %d", i%records, given[i%records], n)
		}
		seen[n]++
	}
	equal(f, "numbers", len(seen), records)
}

// numbersOfTheDeleted: whose metadata are gone has no number any more, and nobody else
// gets it.
func numbersOfTheDeleted(f *fixture) {
	id, next := f.settledCase(), f.accept()
	order := store.NumberOrder{Municipality: "05999040", Range: "marke", First: 1, Last: 9, Submission: id, Record: "/"}
	_, err := f.Number(f.ctx, order)
	f.must(err)
	f.erased(f.order(id))
	_, err = f.Number(f.ctx, order)
	f.mustBe(err, store.ErrErased)
	order.Submission = next
	n, err := f.Number(f.ctx, order)
	f.must(err)
	equal(f, "the next", n, 2)
}
