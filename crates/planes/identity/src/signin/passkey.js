// Asks the browser for a passkey, or for a new one, as the page's form says, and sends the answer with the form.

const form = document.forms[0];
const options = JSON.parse(form.elements.options.value);

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const listed = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));

async function get(asked) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: listed(asked.allowCredentials),
    },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
  return {
    id: text(found.rawId),
    clientDataJSON: text(clientDataJSON),
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : "",
  };
}

async function create(asked) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: listed(asked.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = made.response;
  return {
    id: text(made.rawId),
    clientDataJSON: text(clientDataJSON),
    attestationObject: text(attestationObject),
  };
}

function tell(problem) {
  let place = document.querySelector("[role=alert]");
  if (!place) {
    place = document.createElement("p");
    place.setAttribute("role", "alert");
    form.before(place);
  }
  place.textContent = problem;
}

// What browsers say of these is for programmers.
const plain = {
  NotAllowedError: "It was not confirmed in time, or there is no passkey for this server on this device.",
  InvalidStateError: "This device has a passkey for this account already.",
  SecurityError: "The browser does not use passkeys at this address.",
};

form.addEventListener("submit", async (event) => {
  // The other buttons of the form have names, and lead elsewhere.
  if (form.elements.answer.value || event.submitter?.name) return;
  event.preventDefault();
  try {
    const answer = options.get ? await get(options.get) : await create(options.create);
    form.elements.answer.value = JSON.stringify(answer);
    form.submit();
  } catch (error) {
    tell(plain[error.name] ?? `The browser could not do it: ${error.message}`);
  }
});
