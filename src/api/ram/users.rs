//! Users.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::ram::{Extent, Wanted, check_length};
use crate::error::{Error, Result};
use crate::hsm::fresh_user_id;
use crate::kms::{Access, Action, Door, Target, UserRecord};
use crate::model::{Service, Timestamp, UserName};

/// The longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 24;

/// The longest comments, in characters.
const MAX_COMMENTS: usize = 128;

/// Creates a user, who has no rights until policies are attached. An account has at most 1000.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateUser {
    /// 1 to 64 letters, digits, ., _ and -; neither root nor system.
    pub user_name: UserName,
    /// A name for people, up to 24 characters.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Up to 128 characters.
    #[serde(default)]
    pub comments: Option<String>,
}

/// The answer of actions on a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserAnswer {
    /// The user.
    pub user: User,
}

/// A user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    /// The number, of no other user before or after.
    pub user_id: String,
    /// The name.
    pub user_name: UserName,
    /// The name for people.
    pub display_name: String,
    /// The owner's words.
    pub comments: String,
    /// When the user was created.
    pub create_date: Timestamp,
    /// When name or words were last changed.
    pub update_date: Timestamp,
}

impl From<UserRecord> for User {
    fn from(user: UserRecord) -> Self {
        Self {
            user_id: user.id,
            user_name: user.name,
            display_name: user.display_name,
            comments: user.comments,
            create_date: user.created,
            update_date: user.updated,
        }
    }
}

impl Action for CreateUser {
    const NAME: &'static str = "CreateUser";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = UserAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<UserAnswer> {
        door.permit(Target::User(self.user_name.as_str()))?;
        if ["root", "system"].contains(&self.user_name.as_str()) {
            let detail = "In events it is the account itself, or the service.";
            return Err(Error::invalid("UserName", detail));
        }
        let display_name = self.display_name.clone().unwrap_or_default();
        let comments = self.comments.clone().unwrap_or_default();
        check_length("DisplayName", &display_name, MAX_DISPLAY_NAME)?;
        check_length("Comments", &comments, MAX_COMMENTS)?;
        let id = fresh_user_id()?;
        door.change(|transaction| {
            let user = UserRecord {
                account: *door.account(),
                name: self.user_name.clone(),
                id: id.clone(),
                display_name: display_name.clone(),
                comments: comments.clone(),
                created: transaction.now(),
                updated: transaction.now(),
                access_keys: Vec::new(),
                policies: Vec::new(),
                failures: 0,
                locked_until: None,
            };
            transaction.add_user(&user)?;
            Ok(UserAnswer { user: user.into() })
        })
    }
}

/// Describes a user.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetUser {
    /// The user.
    pub user_name: UserName,
}

impl Action for GetUser {
    const NAME: &'static str = "GetUser";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = UserAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<UserAnswer> {
        door.permit(Target::User(self.user_name.as_str()))?;
        Ok(UserAnswer { user: door.user(&self.user_name)?.into() })
    }
}

/// Changes what is written about a user; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateUser {
    /// The user.
    pub user_name: UserName,
    /// Up to 24 characters; the empty text clears it.
    #[serde(default)]
    pub new_display_name: Option<String>,
    /// Up to 128 characters; the empty text clears them.
    #[serde(default)]
    pub new_comments: Option<String>,
}

impl Action for UpdateUser {
    const NAME: &'static str = "UpdateUser";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = UserAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<UserAnswer> {
        door.permit(Target::User(self.user_name.as_str()))?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        check_length("NewDisplayName", &text(&self.new_display_name), MAX_DISPLAY_NAME)?;
        check_length("NewComments", &text(&self.new_comments), MAX_COMMENTS)?;
        door.change(|transaction| {
            let mut user = transaction.user(door.account(), &self.user_name)?;
            if let Some(name) = &self.new_display_name {
                user.display_name.clone_from(name);
            }
            if let Some(comments) = &self.new_comments {
                user.comments.clone_from(comments);
            }
            user.updated = transaction.now();
            transaction.put_user(&user)?;
            Ok(UserAnswer { user: user.into() })
        })
    }
}

/// Deletes a user who has neither access keys nor policies.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteUser {
    /// The user.
    pub user_name: UserName,
}

impl Action for DeleteUser {
    const NAME: &'static str = "DeleteUser";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::User(self.user_name.as_str()))?;
        door.change(|transaction| {
            let user = transaction.user(door.account(), &self.user_name)?;
            transaction.remove_user(&user)?;
            Ok(Done {})
        })
    }
}

/// Lists the users of the account, by name.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListUsers {
    /// Where the part before ended.
    #[serde(default)]
    pub marker: Option<String>,
    /// The most users to list, 1 to 1000. Default: 100.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// The answer of ListUsers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserList {
    /// The users.
    pub users: UsersInside,
    /// Whether there are more.
    #[serde(flatten)]
    pub extent: Extent,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsersInside {
    /// The users.
    pub user: Vec<User>,
}

impl Action for ListUsers {
    const NAME: &'static str = "ListUsers";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = UserList;

    fn run(&mut self, door: &Door<'_>) -> Result<UserList> {
        let wanted = Wanted::new(self.marker.as_deref(), self.max_items)?;
        door.permit(Target::User("*"))?;
        let (users, extent) = wanted.of(door.users()?, |user| user.name.as_str());
        let user = users.into_iter().map(User::from).collect();
        Ok(UserList { users: UsersInside { user }, extent })
    }
}
