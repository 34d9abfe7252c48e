package peer

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Page is a page of a real Chromium, used as a person would: by what is written on it.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu     sync.Mutex
	errors []string // what the page complained of in its console
}

// Browser starts Chromium with an empty profile and opens a blank page.
func Browser(t testing.TB) *Page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: `make test` installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(Timeout))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	// Chromium is newer than the protocol's Go types; the events that they do not know are of no interest here.
	ctx, end := chromedp.NewContext(alloc, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(end)
	p := &Page{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == chromedp.ConsoleError {
				p.mu.Lock()
				p.errors = append(p.errors, m.String())
				p.mu.Unlock()
			}
		}
	}()
	p.Open("about:blank")
	return p
}

// do runs an action within Timeout.
func do[T any](p *Page, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		p.fail("%v", err)
	}
	return v
}

func (p *Page) fail(format string, args ...any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		text = err.Error()
	}
	p.Shot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
	p.t.Fatalf(format+"\nthe page shows:\n%s\nits console: %q", append(args, text, p.Complaints())...)
}

// Open goes to an address.
func (p *Page) Open(url string) {
	p.t.Helper()
	do(p, chromedp.Navigate(url))
}

// Click presses what a CSS selector names, once it can be seen.
func (p *Page) Click(selector string) {
	p.t.Helper()
	do(p, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Press presses the button or link with this text or name.
func (p *Page) Press(name string) {
	p.t.Helper()
	q := fmt.Sprintf(`[...document.querySelectorAll('button, a, [role=menuitem]')].find(e => e.checkVisibility() && !e.disabled && ((e.getAttribute('aria-label') ?? '').startsWith(%[1]q) || e.innerText.trim().startsWith(%[1]q)))`, name)
	p.Await(name+" can be pressed", "!!("+q+")")
	do(p, chromedp.Evaluate[bool]("("+q+").click(), true"))
}

// Fill types into a field, replacing what is there.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	do(p, chromedp.WaitVisible(chromedp.CSS(selector)))
	do(p, chromedp.Focus(chromedp.CSS(selector)))
	do(p, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q).select(), true`, selector)))
	do(p, chromedp.KeyEvent(text))
}

// Upload gives a file to a field for files, as a person's choice would.
func (p *Page) Upload(selector, name string, content []byte) {
	p.t.Helper()
	p.Await(selector+" is there", fmt.Sprintf(`document.querySelector(%q)`, selector))
	do(p, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		const input = document.querySelector(%q), list = new DataTransfer()
		list.items.add(new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], %q))
		input.files = list.files
		return input.dispatchEvent(new Event('change', {bubbles: true}))
	})()`, selector, base64.StdEncoding.EncodeToString(content), name)))
}

// Value returns the result of a JavaScript expression as text.
func (p *Page) Value(expression string) string {
	p.t.Helper()
	return do(p, chromedp.Evaluate[string]("String("+expression+")"))
}

// Await waits until a JavaScript expression is true.
func (p *Page) Await(what, expression string) {
	p.t.Helper()
	for end := time.Now().Add(Timeout); ; time.Sleep(50 * time.Millisecond) {
		if p.Value("!!("+expression+")") == "true" {
			return
		}
		if time.Now().After(end) {
			p.fail("%s: it never comes", what)
		}
	}
}

// See waits until a text can be read on the page.
func (p *Page) See(text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf("%q on the page", text), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, ' ').includes(%q)`, text))
}

// SeeIn waits until what a selector names shows a text.
func (p *Page) SeeIn(selector, text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.innerText.replace(/\s+/g, ' ').includes(%q))`, selector, text))
}

// Theme makes the system's theme light or dark.
func (p *Page) Theme(theme string) {
	p.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.fail("theme %s: %v", theme, err)
	}
}

// Size sets the width and height of the window in CSS pixels.
func (p *Page) Size(width, height int64) {
	p.t.Helper()
	do(p, chromedp.EmulateViewport(width, height))
}

// Shot writes a picture where HEDDLE_SHOTS says, if it does.
func (p *Page) Shot(name string) {
	dir := os.Getenv("HEDDLE_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, Timeout)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("picture %s: %v", name, err)
		return
	}
	if err = os.MkdirAll(dir, 0o755); err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644)
	}
	if err != nil {
		p.t.Logf("picture %s: %v", name, err)
	}
}

// Complaints returns what the page wrote into its console as errors.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.errors)
}

// Axe runs axe-core's rules of WCAG 2.1 A and AA over the page and fails the test on each violation.
func (p *Page) Axe(name string) {
	p.t.Helper()
	script, err := os.ReadFile(filepath.Join(filepath.Dir(dir()), "ui", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		p.t.Fatalf("axe-core: %v: build the web app first (make web)", err)
	}
	// Evaluated from outside: the page's own policy lets no foreign script in.
	do(p, chromedp.Evaluate[int]("if (!globalThis.axe) {"+string(script)+"}; 0"))
	type violation struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	found := do(p, chromedp.Evaluate[[]violation](`axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}).then(r =>
		r.violations.map(v => ({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`, chromedp.EvalAwaitPromise))
	for _, v := range found {
		p.t.Errorf("%s: axe-core: %s (%s): %s", name, v.ID, v.Impact, v.Help)
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			p.t.Logf("    %.200s\n    %s", n.HTML, n.FailureSummary)
		}
	}
}
