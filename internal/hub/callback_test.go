package hub_test

import (
	"testing"

	"stellwerk/internal/hub"
)

func TestNews(t *testing.T) {
	const none, received, processing = hub.CaseStatus(""), hub.CaseReceived, hub.CaseProcessing
	const act, done, rejected, cancelled = hub.CaseActionRequired, hub.CaseCompleted, hub.CaseRejected, hub.CaseCancelled
	for _, test := range []struct {
		told hub.CaseStatus
		now  []hub.CaseStatus
		news bool
	}{
		{none, hub.CaseStatuses, false},
		{received, []hub.CaseStatus{received, processing}, false},
		{received, []hub.CaseStatus{act, done, rejected, cancelled}, true},
		{processing, []hub.CaseStatus{received, processing}, false},
		{processing, []hub.CaseStatus{act, done, rejected, cancelled}, true},
		{act, []hub.CaseStatus{act}, false},
		{act, []hub.CaseStatus{processing, done, rejected, cancelled}, true},
		{done, []hub.CaseStatus{done}, false},
		{done, []hub.CaseStatus{received, processing, act, rejected, cancelled}, true},
	} {
		for _, now := range test.now {
			if got := hub.News(test.told, now); got != test.news {
				t.Errorf("told %q, now %s: news %v", test.told, now, got)
			}
		}
	}
}
