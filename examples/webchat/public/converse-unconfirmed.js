// A plugin for Converse.js that marks the messages whose arrival the server did not confirm
// (XEP-0198). Converse.js sends them again if it can resume the stream, and forgets them if not.

export const markUnconfirmed = {
  initialize() {
    const { _converse } = this;
    const { api } = _converse;
    const ids = new Set();

    function remember() {
      for (const stanza of _converse.session.get('unacked_stanzas') ?? []) {
        const { documentElement } = new DOMParser().parseFromString(stanza, 'text/xml');
        ids.add(documentElement.getAttribute('id'));
      }
    }

    async function mark() {
      const lost = [...ids];
      ids.clear();
      if (api.connection.get().hasResumed()) {
        _converse.session.save({ smacks_resumed: false }); // or it would not resume a second time
        return;
      }
      const error = 'The connection ended before the server confirmed it. Perhaps it is lost.';
      for (const { messages } of await api.chats.get()) {
        await messages.fetched;
        for (const msgid of lost) messages.findWhere({ msgid })?.save({ error });
      }
    }

    api.listen.on('userSessionInitialized', remember); // those of the page before a reload
    api.listen.on('beforeTearDown', remember);
    api.listen.on('connected', mark);
    api.listen.on('reconnected', mark);
  },
};
