// Looks for what makes a page hard to use for people with disabilities, with axe-core.

import assert from 'node:assert/strict';
import axe from 'axe-core';

// Runs axe in a world of its own. The timers there are those of the browser, even if the page has
// others from page.clock, and the policy of the page forbids nothing.
async function runAxe(page, ...args) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send(
    'Page.createIsolatedWorld', { frameId: frameTree.frame.id },
  );
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `${axe.source}; axe.run(...${JSON.stringify(args)})`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined);
  await session.detach();
  return result.value;
}

// Fails if axe finds something in the state in which the page is now. `but`: CSS selectors of what
// another project wrote. `without`: the rules that do not count.
export async function accessible(page, { but = [], without = [] } = {}) {
  const context = { include: [['html']], exclude: but.map((selector) => [selector]) };
  const rules = Object.fromEntries(without.map((id) => [id, { enabled: false }]));
  const options = { rules: { 'target-size': { enabled: true }, ...rules } };
  const { violations, passes } = await runAxe(page, context, options);
  assert.ok(passes.length > 0, 'axe has looked');
  const found = violations.map(({ id, impact, nodes }) => {
    return `${id} (${impact}): ${nodes.map(({ html }) => html).join(' ')}`;
  });
  assert.deepEqual(found, [], page.url());
}

// Fails if the page, or a log in it, scrolls sideways.
export async function narrow(page) {
  const wide = await page.locator('html, [role=log]').evaluateAll((elements) => elements
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    .map(({ tagName, scrollWidth, clientWidth }) => `${tagName} ${scrollWidth} > ${clientWidth}`));
  assert.deepEqual(wide, [], page.url());
}

// Looks for both on a phone and on a desktop, in light and dark.
export async function accessibleEverywhere(page, options) {
  const size = page.viewportSize();
  for (const [colorScheme, width] of [['light', 360], ['dark', 360], ['dark', 1280]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 640 });
    await accessible(page, options);
    await narrow(page);
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(size);
}
