// One line for each check, and a closing line that counts them.
let passed = 0;
let failed = 0;

// INTEROP_ONLY=TEXT in the environment: only the checks whose line holds the text.
const only = process.env.INTEROP_ONLY ?? '';

export async function check(what, work) {
  if (!what.includes(only)) return;
  try {
    await work();
    passed += 1;
    console.log(`ok    ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${what}: ${error?.stack ?? error}`);
  }
}

// Prints the closing line; the exit code for the process.
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

// The error that `work` ends with; a success is a failure of the check.
export async function refusal(work) {
  let result;
  try {
    result = await work();
  } catch (error) {
    return error;
  }
  throw new Error(`was not refused: ${JSON.stringify(result)}`);
}
