package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Client speaks to a town's control API, perhaps in another process.
type Client struct{ Control string }

// Partners lists the partners.
func (c Client) Partners(ctx context.Context) (all []Partner, err error) {
	return all, c.call(ctx, http.MethodGet, "/control/partners", nil, &all)
}

// Suffer sets a partner's faults; Faults{} heals it.
func (c Client) Suffer(ctx context.Context, partner string, f Faults) error {
	return c.call(ctx, http.MethodPut, "/control/partners/"+partner+"/faults", f, nil)
}

// Received lists the documents that a partner took after its n-th.
func (c Client) Received(ctx context.Context, partner string, after int) (all []Received, err error) {
	return all, c.call(ctx, http.MethodGet, "/control/partners/"+partner+"/received?after="+strconv.Itoa(after), nil, &all)
}

// Forget empties a partner's memory.
func (c Client) Forget(ctx context.Context, partner string) error {
	return c.call(ctx, http.MethodDelete, "/control/partners/"+partner+"/received", nil, nil)
}

// Rejected gives the protocols of a drop folder, cash-office or waste-lists, by file
// name.
func (c Client) Rejected(ctx context.Context, box string) (protocols map[string]string, err error) {
	return protocols, c.call(ctx, http.MethodGet, "/control/"+box+"/rejected", nil, &protocols)
}

// Scan lets a drop folder be read at once.
func (c Client) Scan(ctx context.Context, box string) error {
	return c.call(ctx, http.MethodPost, "/control/"+box+"/scan", nil, nil)
}

// Transactions lists the payments that were asked for, oldest first.
func (c Client) Transactions(ctx context.Context) (all []Transaction, err error) {
	return all, c.call(ctx, http.MethodGet, "/control/payment/transactions", nil, &all)
}

// Pay does what becomes of a transaction: pay, cancel, fail, clarify or lapse, and
// late for one that is paid after it has lapsed.
func (c Client) Pay(ctx context.Context, id, what string) error {
	return c.call(ctx, http.MethodPost, "/control/payment/transactions/"+id+"/"+what, nil, nil)
}

// Trust gives the portal the hub's public keys, whpk_…; what none of them has signed is
// refused then. Without any it takes everything.
func (c Client) Trust(ctx context.Context, keys ...string) error {
	return c.call(ctx, http.MethodPut, "/control/portal/keys", keys, nil)
}

// Mails lists the mails after the n-th, as their reader sees them.
func (c Client) Mails(ctx context.Context, after int) (all []Mail, err error) {
	return all, c.call(ctx, http.MethodGet, "/control/mail/messages?after="+strconv.Itoa(after), nil, &all)
}

// SinkCounts gives the sink's figures.
func (c Client) SinkCounts(ctx context.Context) (counts SinkCounts, err error) {
	return counts, c.call(ctx, http.MethodGet, "/control/sink/counts", nil, &counts)
}

// Marks gives how many documents each partner took of each mark; the sink has an
// account of its own.
func (c Client) Marks(ctx context.Context) (byPartner map[string]map[string]int, err error) {
	return byPartner, c.call(ctx, http.MethodGet, "/control/marks", nil, &byPartner)
}

// EmptySink forgets what arrived.
func (c Client) EmptySink(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/control/sink/arrived", nil, nil)
}

// Arrived calls each for every id that the sink has, in order of the ids.
func (c Client) Arrived(ctx context.Context, each func(Arrived) error) error {
	res, err := c.open(ctx, http.MethodGet, "/control/sink/arrived", nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		var a Arrived
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return fmt.Errorf("read the sink's account: %w", err)
		}
		if err := each(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (c Client) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.open(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read answer of the town: %w", err)
	}
	return nil
}

func (c Client) open(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Control+path, body)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the town: %w", err)
	}
	if res.StatusCode >= 300 {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		_ = res.Body.Close()
		return nil, fmt.Errorf("ask the town: HTTP %d: %s", res.StatusCode, bytes.TrimSpace(b))
	}
	return res, nil
}
